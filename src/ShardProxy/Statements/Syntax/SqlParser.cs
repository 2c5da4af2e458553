using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace ShardProxy.Statements.Syntax;

/// <summary>Reads SQL with PostgreSQL 15's grammar. Thread-safe; called once per shape, so it may allocate.</summary>
public static unsafe class SqlParser
{
    /// <summary>
    /// Long chains of operators nest: more than any sensible text has, and what the library's own limit on stack depth
    /// lets through.
    /// </summary>
    private const int MaxTreeDepth = 20_000;

    /// <summary>Bytes that are no UTF-8 (a client with another encoding) are read as Latin-1: offsets stay true, names outside ASCII may be unknown.</summary>
    public static ParseOutcome Parse(ReadOnlySpan<byte> sql)
    {
        if (sql.IndexOf((byte)0) is var zero and >= 0)
            sql = sql[..zero];
        var encoding = Utf8.IsValid(sql) ? Encoding.UTF8 : Encoding.Latin1;
        var text = new byte[sql.Length + 1];
        sql.CopyTo(text);
        fixed (byte* start = text)
        {
            var result = PgQueryLibrary.Parse(start);
            try
            {
                return result.Error != null ? Failure(result.Error, encoding) : Read(result.Tree, encoding, sql.Length);
            }
            finally
            {
                PgQueryLibrary.Free(result);
            }
        }
    }

    private static ParseFailure Failure(PgQueryLibrary.ParseError* error, Encoding encoding) =>
        new(encoding.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(error->Message)), error->CursorPosition);

    private static SyntaxTree Read(byte* json, Encoding encoding, int textLength)
    {
        var bytes = MemoryMarshal.CreateReadOnlySpanFromNullTerminated(json);
        // A copy of its own: the tree outlives the library's memory.
        var copy = encoding == Encoding.UTF8 ? bytes.ToArray() : Encoding.UTF8.GetBytes(encoding.GetString(bytes));
        using var document = JsonDocument.Parse(copy, new JsonDocumentOptions { MaxDepth = MaxTreeDepth });
        var root = document.RootElement.Clone();
        var statements = ImmutableArray.CreateBuilder<ParsedStatement>();
        if (root.TryGetProperty("stmts", out var list))
        {
            foreach (var item in list.EnumerateArray())
            {
                var start = item.TryGetProperty("stmt_location", out var location) ? location.GetInt32() : 0;
                var length = item.TryGetProperty("stmt_len", out var stated) ? stated.GetInt32() : 0;
                // A length of 0 is the rest of the text (parsenodes.h, RawStmt).
                var end = length == 0 ? textLength : start + length;
                statements.Add(new ParsedStatement(ReadStatement(SyntaxNode.Wrapped(item.GetProperty("stmt"))), start, end));
            }
        }
        return new SyntaxTree(statements.ToImmutable());
    }

    /// <summary>The statement inside another, such as EXPLAIN's or PREPARE's.</summary>
    public static Statement ReadStatement(SyntaxNode node) =>
        QueryReader.IsQuery(node) ? new QueryStatement(QueryReader.Read(node)) : new UtilityStatement(node);
}
