using System.Runtime.InteropServices;

namespace ShardProxy.Statements.Syntax;

/// <summary>libpg_query, PostgreSQL 15's own grammar as a library (structures from its pg_query.h).</summary>
internal static unsafe partial class PgQueryLibrary
{
    private const string Library = "libpg_query.so.1504.0";

    /// <summary>Loads it now, so that its absence is found when the proxy starts and not at a client's first statement.</summary>
    /// <exception cref="DllNotFoundException">It is not installed.</exception>
    public static void Load() => NativeLibrary.Load(Library, typeof(PgQueryLibrary).Assembly, searchPath: null);

    /// <summary>Thread-safe: the library keeps its state per thread and sets it up on the first call.</summary>
    /// <param name="sql">Ends with a zero byte.</param>
    [LibraryImport(Library, EntryPoint = "pg_query_parse")]
    public static partial ParseResult Parse(byte* sql);

    [LibraryImport(Library, EntryPoint = "pg_query_free_parse_result")]
    public static partial void Free(ParseResult result);

    [StructLayout(LayoutKind.Sequential)]
    public struct ParseResult
    {
        /// <summary>JSON in the text's own encoding; null when there is an error.</summary>
        public byte* Tree;
        public byte* StandardError;
        public ParseError* Error;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct ParseError
    {
        public byte* Message;
        public byte* FunctionName;
        public byte* FileName;
        public int LineNumber;

        /// <summary>In characters from 1; 0 when the error stands nowhere.</summary>
        public int CursorPosition;
        public byte* Context;
    }
}
