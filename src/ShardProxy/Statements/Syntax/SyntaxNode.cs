using System.Text.Json;

namespace ShardProxy.Statements.Syntax;

/// <summary>
/// One node of the grammar's tree: a kind and named fields, as PostgreSQL's parsenodes.h has them. A field that holds
/// its kind's default value is absent.
/// </summary>
public readonly struct SyntaxNode
{
    private readonly JsonElement _fields;

    private SyntaxNode(string kind, JsonElement fields)
    {
        Kind = kind;
        _fields = fields;
    }

    /// <summary>Such as "SelectStmt"; "" for an absent node, the field's name for a structure that stands in a field of its own type.</summary>
    public string Kind { get; }

    public bool Exists => _fields.ValueKind == JsonValueKind.Object;

    /// <summary>Byte offset in the text; -1 when unknown.</summary>
    public int Location => Number("location", -1, absentIsZero: Exists);

    /// <summary>{"Kind": {fields}}; an empty object is an absent node.</summary>
    internal static SyntaxNode Wrapped(JsonElement wrapper)
    {
        if (wrapper.ValueKind == JsonValueKind.Object)
        {
            foreach (var property in wrapper.EnumerateObject())
                return new SyntaxNode(property.Name, property.Value);
        }
        return default;
    }

    /// <summary>A structure that stands in a field of its own type, under the kind that it has elsewhere.</summary>
    public static SyntaxNode Of(string kind, SyntaxNode node) => new(kind, node._fields);

    public bool Is(string kind) => string.Equals(Kind, kind, StringComparison.Ordinal);

    public bool Has(string field) => Exists && _fields.TryGetProperty(field, out _);

    /// <summary>A node in a field, whether the field names its kind or not.</summary>
    public SyntaxNode Node(string field)
    {
        if (!Exists || !_fields.TryGetProperty(field, out var value) || value.ValueKind != JsonValueKind.Object)
            return default;
        foreach (var property in value.EnumerateObject())
        {
            if (char.IsAsciiLetterUpper(property.Name[0]))
                return new SyntaxNode(property.Name, property.Value);
            break;
        }
        return new SyntaxNode(field, value);
    }

    /// <summary>A list of nodes; an absent list is empty. A List node inside a list stays a node: see <see cref="Items"/>.</summary>
    public IEnumerable<SyntaxNode> List(string field)
    {
        if (!Exists || !_fields.TryGetProperty(field, out var value))
            yield break;
        if (value.ValueKind == JsonValueKind.Object)
        {
            // A list in a field that may hold any node.
            foreach (var item in Wrapped(value).Items())
                yield return item;
            yield break;
        }
        if (value.ValueKind != JsonValueKind.Array)
            yield break;
        foreach (var item in value.EnumerateArray())
            yield return Wrapped(item);
    }

    /// <summary>The members of a List node.</summary>
    public IEnumerable<SyntaxNode> Items() => List("items");

    /// <summary>A list of names, such as a qualified name; null members (a star) are left out.</summary>
    public List<string> Names(string field)
    {
        var names = new List<string>();
        foreach (var item in List(field))
        {
            if (item.StringValue is { } name)
                names.Add(name);
        }
        return names;
    }

    /// <summary>The value of a String, Integer, Float or Boolean node as text; null for other nodes.</summary>
    public string? StringValue => Kind switch
    {
        "String" => Text("sval") ?? "",
        "Float" => Text("fval"),
        "Integer" => Number("ival", 0).ToString(System.Globalization.CultureInfo.InvariantCulture),
        "Boolean" => Flag("boolval") ? "true" : "false",
        _ => null,
    };

    public string? Text(string field) =>
        Exists && _fields.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public bool Flag(string field) => Exists && _fields.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.True;

    /// <summary>A number that need not fit into an int; 0 when it is absent.</summary>
    public long LargeNumber(string field) => Exists && _fields.TryGetProperty(field, out var value) && value.TryGetInt64(out var number) ? number : 0;

    public int Number(string field, int absent) => Number(field, absent, absentIsZero: false);

    /// <summary>All child nodes, whatever the field: for walks that must miss nothing.</summary>
    public IEnumerable<SyntaxNode> Children()
    {
        if (!Exists)
            yield break;
        foreach (var property in _fields.EnumerateObject())
        {
            if (property.Value.ValueKind == JsonValueKind.Object)
            {
                yield return Node(property.Name);
            }
            else if (property.Value.ValueKind == JsonValueKind.Array)
            {
                foreach (var item in property.Value.EnumerateArray())
                {
                    var node = Wrapped(item);
                    if (node.Exists)
                        yield return node;
                }
            }
        }
    }

    private int Number(string field, int absent, bool absentIsZero)
    {
        if (Exists && _fields.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.Number)
            return value.GetInt32();
        return absentIsZero ? 0 : absent;
    }
}
