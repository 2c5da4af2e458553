using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace ShardProxy.Diagnostics;

/// <summary>For machines: one JSON object a line, with the message's values under their own names.</summary>
internal sealed class JsonLogFormatter : ILogFormatter
{
    private const string TemplateName = "{OriginalFormat}";

    private static readonly JsonEncodedText Time = JsonEncodedText.Encode("time");
    private static readonly JsonEncodedText Level = JsonEncodedText.Encode("level");
    private static readonly JsonEncodedText Id = JsonEncodedText.Encode("id");
    private static readonly JsonEncodedText Event = JsonEncodedText.Encode("event");
    private static readonly JsonEncodedText Source = JsonEncodedText.Encode("source");
    private static readonly JsonEncodedText Message = JsonEncodedText.Encode("message");
    private static readonly JsonEncodedText Values = JsonEncodedText.Encode("values");
    private static readonly JsonEncodedText Error = JsonEncodedText.Encode("exception");

    public void Write<TState>(IBufferWriter<byte> output, in LogRecord<TState> record)
    {
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            json.WriteString(Time, record.Time.UtcDateTime);
            json.WriteString(Level, LogLevelName.Of(record.Level));
            json.WriteNumber(Id, record.Event.Id);
            if (record.Event.Name is { } name)
                json.WriteString(Event, name);
            json.WriteString(Source, record.Category);
            json.WriteString(Message, record.Message);
            if (record.State is IReadOnlyList<KeyValuePair<string, object?>> values && values.Count > 0)
                WriteValues(json, values);
            if (record.Exception is not null)
                json.WriteString(Error, record.Exception.ToString());
            json.WriteEndObject();
        }
        output.Write("\n"u8);
    }

    private static void WriteValues(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>> values)
    {
        json.WriteStartObject(Values);
        foreach (var (name, value) in values)
        {
            if (name != TemplateName)
                WriteValue(json, name, value);
        }
        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, string name, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNull(name);
                break;
            case bool flag:
                json.WriteBoolean(name, flag);
                break;
            case int or long or short or ushort or uint or byte:
                json.WriteNumber(name, Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case double number when double.IsFinite(number):
                json.WriteNumber(name, number);
                break;
            default:
                json.WriteString(name, Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }
}
