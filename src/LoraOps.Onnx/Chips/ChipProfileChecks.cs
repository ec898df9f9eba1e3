using LoraOps.Onnx.HandOff;
using LoraOps.Problems;

namespace LoraOps.Onnx.Chips;

/// <summary>What the fields of a profile must be to each other.</summary>
internal static class ChipProfileChecks
{
    // What the quantizer has a rule for; it never sees a name that it does not know.
    private static readonly string[] Weightable = ["Conv", "ConvTranspose", "MatMul", "Gemm"];

    /// <summary>Notes all that is wrong.</summary>
    public static void Check(ChipProfile profile, string file, List<Problem> problems)
    {
        foreach (var (field, what) in OfNumbers(profile).Concat(OfOperators(profile)).Concat(OfActivations(profile)).Concat(OfNames(profile)))
            problems.Add(ChipProblems.ProfileInvalid(file, field, what));
    }

    private static IEnumerable<(string Field, string What)> OfNumbers(ChipProfile profile)
    {
        if (!double.IsFinite(profile.Activations.MinRealRange) || profile.Activations.MinRealRange < 0)
            yield return ("activations.minRealRange", "must be a number of at least 0");

        if (profile.Opset.Min > profile.Opset.Max)
            yield return ("opset", "has a min above its max");

        if (profile.Precisions.Count == 0 || profile.Precisions[0] != LayerPrecision.Int8)
            yield return ("precisions", "must begin with int8, the cheapest");

        if (profile.Precisions.Zip(profile.Precisions.Skip(1)).Any(pair => pair.First >= pair.Second))
            yield return ("precisions", "must be in the order int8, int16, fp16, float, each once");
    }

    private static IEnumerable<(string Field, string What)> OfOperators(ChipProfile profile)
    {
        foreach (var op in profile.WeightedOps.Except(Weightable))
            yield return ("weightedOps", $"names '{op}', allowed are {string.Join(", ", Weightable[..^1])} and {Weightable[^1]}");

        foreach (var op in profile.OutputOps.Except(profile.WeightedOps))
            yield return ("outputOps", $"names '{op}', which is not one of weightedOps");

        foreach (var op in profile.Weights.PerChannelOps.Except(profile.WeightedOps))
            yield return ("weights.perChannelOps", $"names '{op}', which is not one of weightedOps");

        if (!profile.Weights.PerChannel && profile.Weights.PerChannelOps.Count > 0)
            yield return ("weights.perChannelOps", "must be empty where perChannel is false");

        foreach (var op in profile.FloatOps.Keys.Where(op => profile.WeightedOps.Contains(op) || profile.QuantizedOps.Contains(op)))
            yield return ("floatOps", $"names '{op}', which is quantized");

        foreach (var (op, _) in profile.FloatOps.Where(entry => string.IsNullOrWhiteSpace(entry.Value)))
            yield return ("floatOps", $"has no reason for '{op}'");
    }

    private static IEnumerable<(string Field, string What)> OfActivations(ChipProfile profile)
    {
        foreach (var op in profile.RemovableActivations.Except(["Relu", "Clip"]))
            yield return ("removableActivations", $"names '{op}', allowed are Relu and Clip");

        // A symmetric signed type has codes below zero, so nothing clips what a Relu would have.
        if (profile.RemovableActivations.Count > 0 && profile.Activations.Symmetric)
            yield return ("removableActivations", "must be empty where activations are symmetric");
    }

    private static IEnumerable<(string Field, string What)> OfNames(ChipProfile profile)
    {
        foreach (var scheme in profile.Schemes.Except(ChipSchemes.Names))
            yield return ("schemes", $"names '{scheme}', allowed are {string.Join(", ", ChipSchemes.Names)}");

        if (profile.Name.Length > 0 && !IsKebabCase(profile.Name))
            yield return ("name", $"is '{profile.Name}', names are kebab-case");

        foreach (var rule in profile.Rules.Keys.Where(id => ChipRules.All.All(known => known.Id != id)))
            yield return ("rules", $"names '{rule}', which is no rule of LoraOps");

        var handOffs = HandOffs.All.Select(writer => writer.Name).ToList();
        foreach (var name in profile.HandOff.Except(handOffs))
            yield return ("handOff", $"names '{name}', known are {string.Join(", ", handOffs)}");

        foreach (var name in profile.Target.Keys.Where(name => name is "model" or "name"))
            yield return ("target", $"names '{name}', which compile commands use for the model");
    }

    private static bool IsKebabCase(string name) =>
        name.Split('-').All(part => part.Length > 0 && part.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c)));
}
