using System.Globalization;

namespace LoraOps.Problems;

/// <summary>One thing that is wrong, in the one message form: <c>LORA1203: where: what was found and allowed. What to do.</c></summary>
/// <param name="Code">The stable number that scripts match on.</param>
/// <param name="Where">The file, and the line if it has lines; empty only if no file is involved.</param>
/// <param name="What">What was found and what is allowed: a sentence without its full stop.</param>
/// <param name="Advice">What to do: a whole sentence.</param>
public sealed record Problem(ProblemCode Code, string Where, string What, string Advice)
{
    /// <summary>The code as printed, for example <c>LORA1203</c>.</summary>
    public string Id => string.Create(CultureInfo.InvariantCulture, $"LORA{(int)Code:0000}");

    /// <inheritdoc/>
    public override string ToString()
    {
        var where = Where.Length == 0 ? "" : $"{Printable(Where)}: ";
        return $"{Id}: {where}{Printable(What)}. {Printable(Advice)}".TrimEnd();
    }

    // Names come from strangers' files: a control character must not reach the terminal or forge a log line.
    private static string Printable(string text)
    {
        if (!text.Any(char.IsControl))
            return text;

        return string.Concat(text.Select(c => char.IsControl(c)
            ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")
            : c.ToString()));
    }
}
