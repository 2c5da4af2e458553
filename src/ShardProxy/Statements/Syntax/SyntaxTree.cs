using System.Collections.Immutable;

namespace ShardProxy.Statements.Syntax;

/// <summary>What the grammar made of a text.</summary>
public abstract record ParseOutcome;

/// <summary>The text's statements in order; empty statements leave none.</summary>
public sealed record SyntaxTree(ImmutableArray<ParsedStatement> Statements) : ParseOutcome;

/// <summary>The grammar does not know the text.</summary>
/// <param name="Position">In characters from 1, as ErrorResponse has it; 0 when the error stands nowhere.</param>
public sealed record ParseFailure(string Message, int Position) : ParseOutcome;

/// <param name="Start">Byte offset of the statement, with the white space and comments before it.</param>
/// <param name="End">Byte offset after its last byte, without the semicolon.</param>
public sealed record ParsedStatement(Statement Statement, int Start, int End);

public abstract record Statement;

/// <summary>SELECT, VALUES, INSERT, UPDATE, DELETE and MERGE.</summary>
public sealed record QueryStatement(Query Query) : Statement;

/// <summary>Everything else, read where it is planned.</summary>
public sealed record UtilityStatement(SyntaxNode Node) : Statement;
