namespace ShardProxy.Sessions.Running.Gathering;

/// <summary>A statement as its client wrote it, and the values of its parameters.</summary>
/// <param name="Types">Of the parameters, as far as they are declared.</param>
/// <param name="Bind">The body of a Bind message; empty for a statement without parameters.</param>
internal readonly record struct BoundText(ReadOnlyMemory<byte> Sql, uint[] Types, ReadOnlyMemory<byte> Bind);
