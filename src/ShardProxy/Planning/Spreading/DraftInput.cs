using ShardProxy.Planning.Confinement;
using ShardProxy.Planning.Merging;
using ShardProxy.Protocol.Values;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning.Spreading;

/// <summary>A SELECT that is to be rewritten for the shards, with all that is known of it.</summary>
internal sealed record DraftInput(Select Select, Place Block, RowsOfQuery Rows, StatementAnalysis Analysis, SourceText Source, TextSpan Range)
{
    public SelectText? Cut() => SelectText.Cut(Select, Source, Range.Start, Range.End);

    /// <summary>All text is under the database's own collation.</summary>
    public bool HasDefaultCollations =>
        !Analysis.Findings.Collates && Analysis.Findings.Relations.All(static relation => relation.Columns.All(static column => !column.HasOwnCollation));

    /// <summary>What is known of the order of every text in the statement.</summary>
    public CollationOrder TextOrder
    {
        get
        {
            var findings = Analysis.Findings;
            if (findings.Collates)
                return CollationOrder.Unknown;
            var columns = findings.Relations.SelectMany(static relation => relation.Columns).ToList();
            if (!columns.TrueForAll(static column => column.DeterministicCollation))
                return CollationOrder.Unknown;
            var bytewise = Analysis.Context.Catalog.DefaultOrdersByBytes && columns.TrueForAll(static column => column.OrdersByBytes || column.TypeOid == TypeOid.Bytea);
            return bytewise ? CollationOrder.Bytewise : CollationOrder.Deterministic;
        }
    }
}
