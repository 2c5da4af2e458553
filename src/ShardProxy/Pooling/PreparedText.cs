using System.Globalization;
using System.Text;

namespace ShardProxy.Pooling;

/// <summary>
/// One statement text with its declared parameter types, under the name that it has on every server connection where it
/// is prepared. Clients that prepare the same text share it, so it is planned once per server connection.
/// </summary>
public sealed class PreparedText
{
    internal PreparedText(long id, byte[] sql, uint[] parameterTypes)
    {
        ServerName = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"shardproxy_{id}"));
        Sql = sql;
        ParameterTypes = parameterTypes;
    }

    private PreparedText(byte[] sql, uint[] parameterTypes)
    {
        ServerName = [];
        Sql = sql;
        ParameterTypes = parameterTypes;
    }

    /// <summary>A text that is parsed as a server's unnamed statement, so nobody shares it.</summary>
    public static PreparedText Unnamed(byte[] sql, uint[] parameterTypes) => new(sql, parameterTypes);

    public byte[] ServerName { get; }

    public byte[] Sql { get; }

    /// <summary>Object ids as the client declared them (the home shard's); 0 is unspecified.</summary>
    public uint[] ParameterTypes { get; }

    /// <summary>
    /// The state under which a server has accepted the text last; null before. Under the same state a client's Parse needs
    /// no server: that matters to a client that prepares at the start of its transaction while all connections are taken.
    /// </summary>
    public object? AcceptedUnder { get; private set; }

    /// <summary>The state under which it was sent to a server last.</summary>
    public object? OfferedUnder { get; set; }

    /// <summary>All parameter types as a server inferred them; null before one was asked.</summary>
    public uint[]? InferredTypes { get; set; }

    /// <summary>Types of the result's columns, the home shard's ids; null before a server was asked.</summary>
    public uint[]? ResultTypes { get; set; }

    /// <summary>Every parameter up to <paramref name="count"/> has a declared type.</summary>
    public bool Declares(int count) => ParameterTypes.Length >= count && Array.TrueForAll(ParameterTypes, static type => type != 0);

    public void Accept() => AcceptedUnder = OfferedUnder;

    /// <summary>Bytes accounted for it in a cache: the text and what surrounds it.</summary>
    public int Size => Sql.Length + (4 * ParameterTypes.Length) + 128;

    /// <summary>Some parameter is of a user's type, whose object id differs from shard to shard.</summary>
    public bool HasUserTypes => Array.Exists(ParameterTypes, static type => type >= Catalog.ObjectIdMap.FirstUserObjectId);
}
