using ShardProxy.CommandLine;

return await RootCommandLine.RunAsync(args, Composition.CreateServer);
