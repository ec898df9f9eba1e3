using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace LoraOps.Fuzz.Mutations;

/// <summary>Changes to JSON (or a Python literal) token by token, well formed or not.</summary>
public static partial class TextMutations
{
    private static readonly string[] Values =
    [
        "0", "-1", "1", "2", "1.5", "-0", "1e400", "1e-400", "2147483647", "2147483648", "4294967296", "9007199254740993", "9223372036854775807",
        "9223372036854775808", "18446744073709551616", "1" + new string('0', 400), "null", "true", "false", "[]", "{}", "\"\"", "\"0\"", "[[[[]]]]",
        "\"\\ud800\"", "\"\\u0000\"", "\"__metadata__\"", "\"../../a/stray\"", "\"/etc/hostname\"", "\"weight\"", "\"lora_A\"", "\"F64\"", "\"F32\"",
        "\"F16\"", "\"BF16\"", "\"F8_E4M3\"", "\"F8_E5M2\"", "\"F4\"", "\"F6_E2M3\"", "\"I64\"", "\"I32\"", "\"U8\"", "\"BOOL\"", "\"C64\"", "[1, 2]", "[0]",
        "\"(a+)+$\"", "\"(\"", "\"\u00e9\ud83d\ude00\"", "\".\"", "\"..\"", "\"a..b\"", "NaN", "True", "'f'", "()", "(1,)", "1L", "0x10", "1_0", "+1",
    ];

    /// <summary>A changed copy.</summary>
    public static byte[] Mutate(byte[] text, Random random) => Encoding.UTF8.GetBytes(Mutate(Encoding.UTF8.GetString(text), random));

    /// <summary>A changed copy.</summary>
    public static string Mutate(string text, Random random)
    {
        var tokens = Token().Matches(text);
        if (tokens.Count == 0)
            return Value(random);

        var token = tokens[random.Next(tokens.Count)];
        var other = tokens[random.Next(tokens.Count)];
        return random.Next(10) switch
        {
            0 => Replaced(text, token, ""),
            1 => Replaced(text, token, token.Value + "," + token.Value),
            2 or 3 => Replaced(text, token, other.Value),
            4 => Duplicated(text, random),
            5 => Replaced(text, token, Nested(random)),
            6 => Replaced(text, token, Near(token.Value, random)),
            7 => Replaced(text, token, Long(token.Value, random)),
            _ => Replaced(text, token, Value(random)),
        };
    }

    /// <summary>Some value as JSON, not always well formed.</summary>
    public static string Value(Random random) => Values[random.Next(Values.Length)];

    private static string Replaced(string text, Match token, string by) =>
        string.Concat(text.AsSpan(0, token.Index), by, text.AsSpan(token.Index + token.Length));

    // A field a second time, as it is or with another value.
    private static string Duplicated(string text, Random random)
    {
        var fields = Field().Matches(text);
        if (fields.Count == 0)
            return text + text;

        var field = fields[random.Next(fields.Count)];
        return text.Insert(field.Index, random.Next(2) == 0 ? $"{field.Value}, " : $"{field.Groups[1].Value}: {Value(random)}, ");
    }

    private static string Nested(Random random)
    {
        var depth = 1 << random.Next(4, 16);
        return new string('[', depth) + (random.Next(2) == 0 ? new string(']', depth) : "");
    }

    private static string Near(string token, Random random)
    {
        if (long.TryParse(token, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            return unchecked((long)ByteMutations.Interesting((ulong)number, random)).ToString(CultureInfo.InvariantCulture);

        return token.Length < 3 ? token + token : token.Remove(random.Next(1, token.Length - 1), 1);
    }

    private static string Long(string token, Random random) =>
        token.Length < 2 ? new string(token[0], 1 << random.Next(4, 14)) : token.Insert(1, new string((char)('a' + random.Next(26)), 1 << random.Next(4, 14)));

    [GeneratedRegex("""("|')(?:\\.|(?!\1)[^\\])*\1|[-+\w.]+|[\[\]{}(),:]""", RegexOptions.CultureInvariant)]
    private static partial Regex Token();

    [GeneratedRegex("""("(?:\\.|[^"\\])*")\s*:\s*("(?:\\.|[^"\\])*"|[-+\w.]+|\[[^\[\]{}]*\]|\{[^{}]*\})""", RegexOptions.CultureInvariant)]
    private static partial Regex Field();
}
