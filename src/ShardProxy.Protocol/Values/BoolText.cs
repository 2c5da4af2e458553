namespace ShardProxy.Protocol.Values;

/// <summary>Reads booleans as boolin does: any beginning of true, false, yes and no, on, off from "of" on, 1 and 0.</summary>
internal static class BoolText
{
    public static bool TryRead(ReadOnlySpan<byte> text, out bool value)
    {
        text = InputText.Trim(text);
        value = false;
        if (text.IsEmpty)
            return false;
        if (Begins("true"u8, text) || Begins("yes"u8, text) || InputText.EqualsIgnoreCase(text, "on"u8) || text.SequenceEqual("1"u8))
        {
            value = true;
            return true;
        }
        return Begins("false"u8, text) || Begins("no"u8, text) || (text.Length >= 2 && Begins("off"u8, text)) || text.SequenceEqual("0"u8);
    }

    private static bool Begins(ReadOnlySpan<byte> word, ReadOnlySpan<byte> text) =>
        text.Length <= word.Length && InputText.EqualsIgnoreCase(text, word[..text.Length]);
}
