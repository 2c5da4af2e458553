using System.Globalization;
using System.Text;
using Npgsql;
using ShardProxy.IntegrationTests.Fixtures;
using ShardProxy.Protocol.Values;

namespace ShardProxy.IntegrationTests.Values;

/// <summary>A server with an empty hash-partitioned table of each key type, to be asked what it makes of a value.</summary>
public sealed class HashServer : IAsyncLifetime
{
    /// <summary>Prime and as large as a modulus can be, so that hardly two hashes have the same remainder.</summary>
    private const int Modulus = int.MaxValue;

    public static readonly IReadOnlyDictionary<string, uint> Types = new Dictionary<string, uint>(StringComparer.Ordinal)
    {
        ["int2"] = TypeOid.Int2,
        ["int4"] = TypeOid.Int4,
        ["int8"] = TypeOid.Int8,
        ["numeric"] = TypeOid.Numeric,
        ["text"] = TypeOid.Text,
        ["varchar"] = TypeOid.Varchar,
        ["bpchar"] = TypeOid.Bpchar,
        ["uuid"] = TypeOid.Uuid,
        ["bytea"] = TypeOid.Bytea,
        ["date"] = TypeOid.Date,
        ["timestamp"] = TypeOid.Timestamp,
        ["timestamptz"] = TypeOid.Timestamptz,
        ["bool"] = TypeOid.Bool,
    };

    private PostgresServer _postgres = null!;

    public async Task InitializeAsync()
    {
        _postgres = await PostgresServer.StartAsync("hashes");
        var sql = new StringBuilder();
        foreach (var type in Types.Keys)
        {
            sql.Append(CultureInfo.InvariantCulture, $"""
                CREATE TABLE h_{type} (k {type}) PARTITION BY HASH (k);
                CREATE FUNCTION has_hash(v {type}, r int) RETURNS bool LANGUAGE sql AS
                    $$ SELECT satisfies_hash_partition('h_{type}'::regclass, {Modulus}, r, v) $$;
                CREATE FUNCTION has_hash_{type}(t text, r int) RETURNS text LANGUAGE plpgsql AS
                    $$ BEGIN RETURN has_hash(t::{type}, r)::text; EXCEPTION WHEN OTHERS THEN RETURN 'error'; END $$;
                CREATE FUNCTION send_{type}(t text) RETURNS bytea LANGUAGE plpgsql AS
                    $$ BEGIN RETURN {type.Replace("timestamp", "timestamp_", StringComparison.Ordinal).Replace("date", "date_", StringComparison.Ordinal).Replace("numeric", "numeric_", StringComparison.Ordinal).Replace("_tz", "tz_", StringComparison.Ordinal).Replace("uuid", "uuid_", StringComparison.Ordinal)}send(t::{type});
                    EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$;
                """);
        }
        await _postgres.ExecuteAsync(sql.ToString());
    }

    public async Task DisposeAsync() => await _postgres.DisposeAsync();

    public async Task ExecuteAsync(string sql) => await _postgres.ExecuteAsync(sql);

    /// <summary>For each text: whether the server gives its value this hash; null where it rejects the text.</summary>
    public async Task<List<bool?>> HaveHashesAsync(string type, IReadOnlyList<string> texts, IReadOnlyList<ulong> hashes)
    {
        var rows = await QueryAsync(
            $"SELECT has_hash_{type}(t, r) FROM unnest($1::text[], $2::int[]) WITH ORDINALITY AS u(t, r, n) ORDER BY n",
            texts.ToArray(),
            hashes.Select(static hash => (int)(hash % Modulus)).ToArray());
        return rows.ConvertAll(static row => row[0] is "error" ? (bool?)null : row[0] is "true");
    }

    /// <summary>For each text: its value in binary format; null where the server rejects it.</summary>
    public async Task<List<byte[]?>> SendAsync(string type, IReadOnlyList<string> texts)
    {
        var rows = await QueryAsync(
            $"SELECT send_{type}(t) FROM unnest($1::text[]) WITH ORDINALITY AS u(t, n) ORDER BY n",
            [texts.ToArray()]);
        return rows.ConvertAll(static row => row[0] as byte[]);
    }

    public async Task<List<object?[]>> QueryAsync(string sql, params object[] parameters)
    {
        await using var connection = new NpgsqlConnection(_postgres.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var parameter in parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<object?[]>();
        while (await reader.ReadAsync())
        {
            var row = new object?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++)
                row[i] = reader.IsDBNull(i) ? null : reader.GetValue(i);
            rows.Add(row);
        }
        return rows;
    }
}
