namespace LoraOps.Problems;

/// <summary>What can be wrong with a chip's profile, and with a model for a chip.</summary>
public static class ChipProblems
{
    /// <summary><see cref="ProblemCode.ChipUnknown"/></summary>
    public static Problem ChipUnknown(string name, IEnumerable<string> known) => new(
        ProblemCode.ChipUnknown, "", $"there is no chip '{name}', known are {string.Join(", ", known)}",
        "Name one of these, or a profile file that ends in .json.");

    /// <summary><see cref="ProblemCode.ChipProfileInvalid"/></summary>
    public static Problem ProfileInvalid(string file, string field, string what) => new(
        ProblemCode.ChipProfileInvalid, file, field.Length == 0 ? what : $"field '{field}' {what}",
        "Compare it with a profile that 'loraops chips' lists.");

    /// <summary><see cref="ProblemCode.ChipRuleBroken"/></summary>
    public static Problem RuleBroken(string model, string chip, string rule, string what, string advice) =>
        new(ProblemCode.ChipRuleBroken, model, $"{chip} cannot run it: {rule}: {what}", advice);
}
