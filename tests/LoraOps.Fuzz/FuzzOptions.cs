using System.Globalization;

namespace LoraOps.Fuzz;

/// <summary>What a run is asked to do.</summary>
public sealed record FuzzOptions
{
    /// <summary>The command line in short.</summary>
    public const string Usage =
        "loraops-fuzz [--seed N] [--minutes M] [--cases N] [--first N] [--only TARGET] [--findings FOLDER] [--no-shared] [--replay FOLDER]";

    /// <summary>The same seed over the same files makes the same cases.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>The most time that new cases are begun in.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The most cases.</summary>
    public long Cases { get; init; } = long.MaxValue;

    /// <summary>The first case's number.</summary>
    public long First { get; init; }

    /// <summary>The only target, or null for all.</summary>
    public string? Only { get; init; }

    /// <summary>Where the inputs of findings are saved.</summary>
    public string Findings { get; init; } = "artifacts/fuzz";

    /// <summary>False where others allocate beside it: then only a merge's first thread is counted.</summary>
    public bool IsAlone { get; init; } = true;

    /// <summary>Mutate the golden data beside the checkout too.</summary>
    public bool UsesShared { get; init; } = true;

    /// <summary>A saved finding to run once more, or null.</summary>
    public string? Replay { get; init; }

    /// <summary>A case that works longer is a hang; one that waits for the machine has twelve times as long.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Reads a command line; null if it is wrong.</summary>
    public static FuzzOptions? Parse(IReadOnlyList<string> args)
    {
        var options = new FuzzOptions();
        for (var at = 0; at < args.Count; at++)
        {
            if (args[at] == "--no-shared")
                options = options with { UsesShared = false };
            else if (at + 1 < args.Count && With(options, args[at], args[++at]) is { } changed)
                options = changed;
            else
                return null;
        }

        return options;
    }

    private static FuzzOptions? With(FuzzOptions options, string name, string value)
    {
        var isNumber = double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number is >= 0 and < int.MaxValue;
        return (name, isNumber) switch
        {
            ("--seed", true) => options with { Seed = (int)number },
            ("--minutes", true) => options with { Time = TimeSpan.FromMinutes(number) },
            ("--cases", true) => options with { Cases = (long)number, Time = TimeSpan.FromDays(1) },
            ("--first", true) => options with { First = (long)number },
            ("--only", _) => options with { Only = value },
            ("--findings", _) => options with { Findings = value },
            ("--replay", _) => options with { Replay = value },
            _ => null,
        };
    }
}
