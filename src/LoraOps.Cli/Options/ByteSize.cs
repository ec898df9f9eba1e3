using System.CommandLine;
using System.Globalization;

namespace LoraOps.Cli.Options;

/// <summary>SIZE: a number of bytes, with a decimal (kB, MB, GB, TB) or a binary unit (KiB, MiB, GiB, TiB).</summary>
internal static class ByteSize
{
    // Longest first: 'MB' ends with 'B', too.
    private static readonly (string Unit, long Bytes)[] Units =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("kB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("B", 1), ("", 1),
    ];

    /// <summary>The number of bytes, at least 1, or null if the text is no size.</summary>
    public static long? TryParse(string text)
    {
        var (unit, bytes) = Units.First(entry => text.EndsWith(entry.Unit, StringComparison.OrdinalIgnoreCase));
        var number = text[..^unit.Length].Trim();
        if (!decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count))
            return null;

        return count > 0 && count < long.MaxValue / bytes && count * bytes >= 1 ? (long)(count * bytes) : null;
    }

    /// <summary>An option that takes a size.</summary>
    public static Option<long?> Option(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "SIZE",
        CustomParser = result =>
        {
            if (result.Tokens is not [.., var token])
                return null;

            var size = TryParse(token.Value);
            if (size is null)
                result.AddError($"{name} '{token.Value}' is no size such as 512MB, 5GB or 2GiB");

            return size;
        },
    };
}
