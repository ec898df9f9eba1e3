using System.Reflection;
using LoraOps.Problems;

namespace LoraOps.Onnx.Chips;

/// <summary>The chips that LoraOps knows: every JSON file of <c>Chips/Profiles</c>.</summary>
public static class ChipProfiles
{
    private static readonly Assembly Home = typeof(ChipProfiles).Assembly;

    /// <summary>All of them, by name.</summary>
    public static IReadOnlyList<ChipProfile> All { get; } = [.. Home.GetManifestResourceNames()
        .Order(StringComparer.Ordinal)
        .Select(Embedded)];

    /// <summary>The profile of that name, or the one in the file if the text ends in <c>.json</c>.</summary>
    /// <exception cref="LoraOpsException">No such chip, or the file is no valid profile.</exception>
    public static ChipProfile Find(string nameOrPath)
    {
        if (nameOrPath.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
            return ChipProfile.Load(nameOrPath);

        return All.FirstOrDefault(chip => chip.Name == nameOrPath)
            ?? throw new LoraOpsException(ChipProblems.ChipUnknown(nameOrPath, All.Select(chip => chip.Name)));
    }

    private static ChipProfile Embedded(string name)
    {
        using var stream = Home.GetManifestResourceStream(name) ?? throw new InvalidOperationException(name);
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return ChipProfileReader.Parse(bytes.ToArray(), name);
    }
}
