using ShardProxy.Directory;

namespace ShardProxy.Catalog;

/// <summary>Why statements on a table are refused (0A000), although it is declared: its shape on the shards does not allow right answers.</summary>
/// <param name="Reason">A clause for an error message: "column \"region\" of table public.users does not exist".</param>
public sealed record TableProblem(QualifiedName Table, string Reason, string? Hint);
