# The proxy with its parser library: Debian 12, whose packages carry libpg_query for PostgreSQL 15.
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
COPY global.json Directory.Build.props Directory.Packages.props .editorconfig ./
COPY src/ShardProxy.Protocol/ShardProxy.Protocol.csproj src/ShardProxy.Protocol/
COPY src/ShardProxy/ShardProxy.csproj src/ShardProxy/
RUN dotnet restore src/ShardProxy
COPY src src
# Self-contained: the .NET 10 images stand on another distribution than the parser's package.
# ReadyToRun: compiled code is in the image, so that the first seconds do not go to compiling it.
RUN dotnet publish src/ShardProxy -c Release --self-contained true -p:PublishReadyToRun=true -o /app

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libgssapi-krb5-2 libpg-query1504.0 libssl3 libstdc++6 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /var/lib/shardproxy --create-home shardproxy
COPY --from=build /app /opt/shardproxy
USER shardproxy
WORKDIR /var/lib/shardproxy
EXPOSE 6432
STOPSIGNAL SIGTERM
ENTRYPOINT ["/opt/shardproxy/shardproxy"]
CMD ["serve", "--config", "/etc/shardproxy/shardproxy.yaml"]
