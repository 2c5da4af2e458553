using System.Buffers.Binary;
using System.Text;

namespace ShardProxy.IntegrationTests.Wire;

/// <summary>
/// Frontend messages in the order in which they are to be sent. Written without the product's own protocol code, so
/// that both can't be wrong in the same way.
/// </summary>
public sealed class FrontendScript
{
    private readonly List<byte> _bytes = [];

    public byte[] Bytes => [.. _bytes];

    /// <summary>The messages in a readable form: type and printable body.</summary>
    public override string ToString()
    {
        var bytes = Bytes;
        var messages = new List<string>();
        for (var position = 0; position + 5 <= bytes.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(position + 1));
            var body = Encoding.ASCII.GetString(bytes, position + 5, length - 4);
            messages.Add($"{(char)bytes[position]}({string.Concat(body.Select(static letter => letter < ' ' ? '.' : letter))})");
            position += length + 1;
        }
        return string.Join(' ', messages);
    }

    /// <summary>How many ReadyForQuery messages answer what was added so far.</summary>
    public int Syncs { get; private set; }

    public FrontendScript Query(string sql)
    {
        Syncs++;
        return Message('Q', Text(sql));
    }

    public FrontendScript Parse(string sql, string name = "", params uint[] types) =>
        Message('P', [.. Text(name), .. Text(sql), .. Int16(types.Length), .. types.SelectMany(static type => Int32((int)type))]);

    /// <summary>Parameters as text; null is NULL.</summary>
    public FrontendScript Bind(string?[]? parameters = null, string portal = "", string statement = "", short resultFormat = 0) =>
        BindBytes([.. (parameters ?? []).Select(static value => value is null ? null : Encoding.UTF8.GetBytes(value))], [], portal, statement, resultFormat);

    /// <param name="formats">None, one for all, or one per parameter.</param>
    public FrontendScript BindBytes(byte[]?[] parameters, short[] formats, string portal = "", string statement = "", short resultFormat = 0)
    {
        var body = new List<byte>();
        body.AddRange(Text(portal));
        body.AddRange(Text(statement));
        body.AddRange(Int16(formats.Length));
        foreach (var format in formats)
            body.AddRange(Int16(format));
        body.AddRange(Int16(parameters.Length));
        foreach (var value in parameters)
        {
            body.AddRange(Int32(value?.Length ?? -1));
            body.AddRange(value ?? []);
        }
        body.AddRange([.. Int16(1), .. Int16(resultFormat)]);
        return Message('B', [.. body]);
    }

    public FrontendScript DescribeStatement(string name = "") => Message('D', [(byte)'S', .. Text(name)]);

    public FrontendScript DescribePortal(string name = "") => Message('D', [(byte)'P', .. Text(name)]);

    public FrontendScript Execute(int maxRows = 0, string portal = "") => Message('E', [.. Text(portal), .. Int32(maxRows)]);

    public FrontendScript CloseStatement(string name) => Message('C', [(byte)'S', .. Text(name)]);

    public FrontendScript ClosePortal(string name) => Message('C', [(byte)'P', .. Text(name)]);

    public FrontendScript Flush() => Message('H', []);

    public FrontendScript Sync()
    {
        Syncs++;
        return Message('S', []);
    }

    /// <summary>Parse, Bind, Describe, Execute of the unnamed statement, as most drivers send it; no Sync.</summary>
    public FrontendScript Run(string sql, string?[]? parameters = null, short resultFormat = 0) =>
        Parse(sql).Bind(parameters, resultFormat: resultFormat).DescribePortal().Execute();

    public FrontendScript CopyData(string text) => Message('d', Encoding.UTF8.GetBytes(text));

    public FrontendScript CopyData(byte[] bytes) => Message('d', bytes);

    public FrontendScript CopyDone() => Message('c', []);

    public FrontendScript CopyFail(string reason) => Message('f', Text(reason));

    public FrontendScript Terminate() => Message('X', []);

    /// <summary>A fast-path call with text arguments and a text result.</summary>
    public FrontendScript FunctionCall(uint function, params string[] arguments)
    {
        Syncs++;
        var body = new List<byte>([.. Int32((int)function), .. Int16(0), .. Int16(arguments.Length)]);
        foreach (var argument in arguments)
            body.AddRange([.. Int32(Encoding.UTF8.GetByteCount(argument)), .. Encoding.UTF8.GetBytes(argument)]);
        body.AddRange(Int16(0));
        return Message('F', [.. body]);
    }

    public FrontendScript Message(char type, byte[] body)
    {
        _bytes.Add((byte)type);
        _bytes.AddRange(Int32(body.Length + 4));
        _bytes.AddRange(body);
        return this;
    }

    public FrontendScript Raw(byte[] bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    internal static byte[] Text(string text) => [.. Encoding.UTF8.GetBytes(text), 0];

    internal static byte[] Int32(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    private static byte[] Int16(int value)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteInt16BigEndian(bytes, (short)value);
        return bytes;
    }
}
