using System.Globalization;
using System.Text.Json;
using LoraOps.Problems;

namespace LoraOps.Cli.Output;

/// <summary>What a value says about the work, for colours.</summary>
internal enum Tone
{
    /// <summary>A fact.</summary>
    Plain,

    /// <summary>It is as wanted.</summary>
    Good,

    /// <summary>Somebody should look.</summary>
    Odd,

    /// <summary>It is wrong.</summary>
    Bad,
}

/// <summary>One value as people and as scripts read it.</summary>
/// <param name="Text">For people.</param>
/// <param name="Value">For scripts: null, bool, long, double, string, or a list of strings or counts.</param>
internal readonly record struct Cell(string Text, object? Value)
{
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB"];

    /// <summary>Nothing to say.</summary>
    public static Cell None { get; } = new("–", null);

    /// <summary>Whether it is good news.</summary>
    public Tone Tone { get; init; }

    /// <summary>Numbers are aligned right and never broken.</summary>
    public bool IsNumber => Value is long or double;

    /// <summary>A number of bytes, in decimal units for people.</summary>
    public static Cell Bytes(long count)
    {
        var value = (double)count;
        var unit = 0;
        for (; value >= 999.95 && unit < Units.Length - 1; unit++)
            value /= 1000;

        var format = unit == 0 ? "{0:0} {1}" : "{0:0.0} {1}";
        return new Cell(string.Format(CultureInfo.InvariantCulture, format, value, Units[unit]), count);
    }

    /// <summary>A duration in seconds.</summary>
    public static Cell Seconds(TimeSpan time) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.0} s"), Math.Round(time.TotalSeconds, 3));

    /// <summary>A share, as percent for people.</summary>
    public static Cell Share(double value) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{value * 100:0.00} %"), value);

    /// <summary>A ratio in decibels.</summary>
    public static Cell Decibels(double value) => new(string.Create(CultureInfo.InvariantCulture, $"{value:0.0} dB"), value);

    /// <summary>Several texts.</summary>
    public static Cell List(IEnumerable<string> items)
    {
        var list = items.ToArray();
        return new Cell(list.Length == 0 ? "–" : string.Join(", ", list), list);
    }

    /// <summary>Several counts: how many for people, all of them for scripts.</summary>
    public static Cell Counts(IReadOnlyList<long> counts) => new(string.Create(CultureInfo.InvariantCulture, $"{counts.Count} counts"), counts);

    /// <summary>A SHA-256 digest: enough of it for people, all of it for scripts.</summary>
    public static Cell Digest(string sha256) => new(sha256.Length > 16 ? sha256[..16] : sha256, sha256);

    public static implicit operator Cell(string? text) => text is null ? None : new(text, text);

    public static implicit operator Cell(int value) => (long)value;

    public static implicit operator Cell(long value) => new(value.ToString(CultureInfo.InvariantCulture), value);

    public static implicit operator Cell(double value) => new(value.ToString("G6", CultureInfo.InvariantCulture), value);

    public static implicit operator Cell(bool value) => new(value ? "yes" : "no", value);

    /// <summary>Writes the value for scripts; JSON has no infinities, so they are words.</summary>
    public void Write(Utf8JsonWriter json)
    {
        switch (Value)
        {
            case bool value:
                json.WriteBooleanValue(value);
                break;
            case long value:
                json.WriteNumberValue(value);
                break;
            case double value when double.IsFinite(value):
                json.WriteNumberValue(value);
                break;
            case double value:
                json.WriteStringValue(value.ToString(CultureInfo.InvariantCulture));
                break;
            case IEnumerable<string> list:
                json.WriteStartArray();
                foreach (var item in list)
                    json.WriteStringValue(item);

                json.WriteEndArray();
                break;
            case IReadOnlyList<long> counts:
                json.WriteStartArray();
                foreach (var count in counts)
                    json.WriteNumberValue(count);

                json.WriteEndArray();
                break;
            default:
                json.WriteStringValue(Value as string);
                break;
        }
    }
}
