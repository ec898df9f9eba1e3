using System.Text.Json;

namespace LoraOps.Readers;

/// <summary>
/// Sees that nothing stands outside JSON's strings but what may: System.Text.Json puts everything from a wrong literal to the
/// end of the text into its message, so a stranger's file would cost many times its own size.
/// </summary>
internal static class JsonLiterals
{
    private const int Shown = 20;

    /// <summary>Looks at letters only; all else is the parser's work.</summary>
    /// <exception cref="JsonException">A letter outside a string belongs to no true, false, null or exponent.</exception>
    public static void Check(ReadOnlySpan<byte> json)
    {
        for (var at = 0; at < json.Length; at++)
        {
            var rest = json[at..];
            if (json[at] == '"')
                at += LengthOfString(rest) - 1;
            else if (char.IsAsciiLetter((char)json[at]) && (json[at] | 0x20) != 'e')
                at += LengthOfLiteral(rest, at) - 1;
        }
    }

    private static int LengthOfString(ReadOnlySpan<byte> json)
    {
        var at = 1;
        while (at < json.Length && json[at] != '"')
            at += json[at] == '\\' ? 2 : 1;

        return Math.Min(at + 1, json.Length);
    }

    private static int LengthOfLiteral(ReadOnlySpan<byte> json, int at)
    {
        if (json.StartsWith("true"u8) || json.StartsWith("null"u8))
            return "true".Length;

        if (json.StartsWith("false"u8))
            return "false".Length;

        var text = System.Text.Encoding.UTF8.GetString(json[..Math.Min(Shown, json.Length)]);
        throw new JsonException(FormattableString.Invariant($"'{text}' at byte {at} is no value"));
    }
}
