using System.Collections.Immutable;

namespace ShardProxy.Planning.Confinement;

/// <summary>One output column of a query, seen from inside.</summary>
/// <param name="Variable">What it shows; null when it is computed.</param>
/// <param name="Values">The values that it can have when it is a constant; default otherwise.</param>
/// <param name="Passes">Leaving out inner rows by this column's value leaves out output rows by that value and changes no other.</param>
/// <param name="Family">Its type's family.</param>
internal sealed record RowsColumn(string? Name, ColumnVariable? Variable, ImmutableArray<Operand> Values, bool Passes, ValueFamily Family, bool Nullable);

/// <summary>A query's rows, seen from inside.</summary>
/// <param name="Scope">Facts that hold for the inner rows.</param>
/// <param name="Complete">False when more columns follow.</param>
/// <param name="FromRows">Each output row comes from inner rows (an aggregate without GROUP BY gives one from none), so inner facts hold outside too.</param>
/// <param name="Recursive">These are the rows of earlier rounds of a recursive query.</param>
internal sealed record RowsOfQuery(FactScope Scope, ImmutableArray<RowsColumn> Columns, bool Complete, bool FromRows, bool Recursive = false);
