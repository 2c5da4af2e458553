using ShardProxy.Catalog;
using ShardProxy.Directory;
using ShardProxy.Statements.Syntax;

namespace ShardProxy.Planning;

internal enum RelationClass
{
    Sharded,
    Reference,

    /// <summary>On the home shard only.</summary>
    Home,

    /// <summary>pg_catalog, information_schema.</summary>
    System,
    Temporary,
    View,

    /// <summary>Neither the directory nor the catalog knows it.</summary>
    Unknown,
}

/// <param name="Relation">Null when the catalog does not have it.</param>
/// <param name="Distribution">Of the table itself or of the partitioned table that it is a part of.</param>
internal sealed record ResolvedRelation(RelationClass Class, QualifiedName Name, Relation? Relation, TableDistribution? Distribution);

/// <summary>Finds what names mean under the session's search_path, as PostgreSQL does (namespace.c).</summary>
internal sealed class Names
{
    private const string SystemSchema = "pg_catalog";

    private readonly PlanningContext _context;
    private readonly List<string> _path = [];

    public Names(PlanningContext context)
    {
        _context = context;
        if (!context.SearchPath.Contains("pg_temp"))
            _path.Add("pg_temp");
        if (!context.SearchPath.Contains(SystemSchema))
            _path.Add(SystemSchema);
        _path.AddRange(context.SearchPath);
        SystemFirst = _path.Find(static schema => schema != "pg_temp") == SystemSchema;
        // PostgreSQL creates in the first schema that exists; only "$user" regularly does not, and the session has left it out.
        CreationSchema = _path.Find(static schema => schema is not ("pg_temp" or SystemSchema)) ?? "public";
    }

    /// <summary>Nothing of the user's comes before the built-in operators and types.</summary>
    public bool SystemFirst { get; }

    public string CreationSchema { get; }

    public ResolvedRelation Resolve(TableName name) => Resolve(name.Schema, name.Name);

    public ResolvedRelation Resolve(string? schema, string name)
    {
        if (schema is not null)
            return InSchema(schema, name) ?? Missing(new QualifiedName(schema, name));
        foreach (var candidate in _path)
        {
            if (InSchema(candidate, name) is { } found)
                return found;
        }
        return name.StartsWith("pg_", StringComparison.Ordinal)
            ? new ResolvedRelation(RelationClass.System, new QualifiedName(SystemSchema, name), null, null)
            : Missing(new QualifiedName(CreationSchema, name));
    }

    /// <summary>Why a table, or the partitioned table that it is a part of, must not be used; null when it may be.</summary>
    public TableProblem? ProblemOf(ResolvedRelation relation)
    {
        if (_context.Catalog.Problems.Count == 0 || relation.Class is RelationClass.System or RelationClass.Temporary)
            return null;
        return _context.Catalog.FindProblem(relation.Name)
            ?? (relation.Distribution is { } distribution ? _context.Catalog.FindProblem(distribution.Table) : null)
            ?? (relation.Relation?.Parent is { } parent ? _context.Catalog.FindProblem(parent) : null);
    }

    /// <summary>Where CREATE puts an unqualified name.</summary>
    public QualifiedName ForCreation(string? schema, string name) => new(schema ?? CreationSchema, name);

    public FunctionInfo? FindFunction(IReadOnlyList<string> names)
    {
        if (names.Count > 1)
            return _context.Catalog.FindFunction(new QualifiedName(names[^2], names[^1]));
        foreach (var schema in _path)
        {
            if (_context.Catalog.FindFunction(new QualifiedName(schema, names[0])) is { } found)
                return found;
        }
        return null;
    }

    public static bool IsSystemSchema(string schema) =>
        schema is SystemSchema or "information_schema" or "pg_toast";

    private static bool IsTemporarySchema(string schema) => schema.StartsWith("pg_temp", StringComparison.Ordinal);

    private ResolvedRelation? InSchema(string schema, string name)
    {
        var full = new QualifiedName(schema, name);
        if (IsTemporarySchema(schema))
        {
            return _context.TemporaryRelations.Contains(name) || schema.Length > "pg_temp".Length
                ? new ResolvedRelation(RelationClass.Temporary, full, null, null)
                : null;
        }
        if (schema == "information_schema" || schema == "pg_toast")
            return new ResolvedRelation(RelationClass.System, full, null, null);
        if (schema == SystemSchema && _context.Catalog.FindRelation(full) is null)
            return null;
        var relation = _context.Catalog.FindRelation(full);
        if (FindDistribution(full, relation) is { } distribution)
        {
            var shared = distribution.Kind == TableKind.Sharded ? RelationClass.Sharded : RelationClass.Reference;
            return new ResolvedRelation(shared, full, relation, distribution);
        }
        if (relation is null)
            return null;
        var kind = IsSystemSchema(schema) ? RelationClass.System
            : relation.Kind == RelationKind.View && relation.ViewDefinition is not null ? RelationClass.View
            : RelationClass.Home;
        return new ResolvedRelation(kind, full, relation, null);
    }

    /// <summary>A part of a distributed partitioned table counts as the table.</summary>
    private TableDistribution? FindDistribution(QualifiedName name, Relation? relation)
    {
        var seen = 0;
        while (true)
        {
            if (_context.Directory.Find(name) is { } distribution)
                return distribution;
            // A partition tree is never that deep; a catalog read half-way could hold a ring.
            if (relation?.Parent is not { } parent || ++seen > 64)
                return null;
            name = parent;
            relation = _context.Catalog.FindRelation(parent);
        }
    }

    private static ResolvedRelation Missing(QualifiedName name)
    {
        var kind = name.Schema == SystemSchema ? RelationClass.System : RelationClass.Unknown;
        return new ResolvedRelation(kind, name, null, null);
    }
}
