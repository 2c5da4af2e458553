namespace ShardProxy.Planning;

/// <summary>One argument of an SQL EXECUTE: a text value, NULL (no text), or an expression whose value only the server knows.</summary>
public readonly record struct ArgumentValue(bool IsKnown, byte[]? Text)
{
    public static ArgumentValue Null { get; } = new(true, null);

    public static ArgumentValue Unknown { get; } = new(false, null);

    public static ArgumentValue Of(byte[] text) => new(true, text);
}
