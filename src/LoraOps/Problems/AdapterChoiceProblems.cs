using System.Globalization;

namespace LoraOps.Problems;

/// <summary>What can be wrong with the adapter that was asked for.</summary>
public static class AdapterChoiceProblems
{
    private const string Inspect = "Run 'loraops inspect' on the model to see its form and its adapters.";

    /// <summary><see cref="ProblemCode.AdapterChoiceInvalid"/></summary>
    public static Problem NotTaken(string model, string adapter) =>
        new(ProblemCode.AdapterChoiceInvalid, model, $"takes no adapter, so not '{adapter}' either", Inspect);

    /// <summary><see cref="ProblemCode.AdapterChoiceInvalid"/></summary>
    public static Problem Unknown(string model, string adapter, int count, string nearest) =>
        new(ProblemCode.AdapterChoiceInvalid, model,
            string.Create(CultureInfo.InvariantCulture, $"has no adapter '{adapter}', by name or by number from 0 to {count}{nearest}"), Inspect);

    /// <summary><see cref="ProblemCode.AdapterChoiceInvalid"/></summary>
    public static Problem Twice(string data, string input) =>
        new(ProblemCode.AdapterChoiceInvalid, data, $"holds a tensor '{input}', which chooses the adapter of each sample already",
            "Leave --adapter and the name before --expected out, or the tensor.");

    /// <summary><see cref="ProblemCode.AdapterChoiceInvalid"/></summary>
    public static Problem Unpaired(string model, string name, string missing) =>
        new(ProblemCode.AdapterChoiceInvalid, model, $"cannot be held against '{name}': {missing} has this name",
            "Give --adapter NAME=FILE and --expected NAME=FILE for each adapter.");

    /// <summary><see cref="ProblemCode.AdapterChoiceInvalid"/></summary>
    public static Problem ListsDiffer(string reference, string model) =>
        new(ProblemCode.AdapterChoiceInvalid, reference, $"lists other adapters than {model}, or in another order", "Convert both with the same adapters.");

    /// <summary><see cref="ProblemCode.AdapterChoiceInvalid"/></summary>
    public static Problem TooMany(string model, int count) =>
        new(ProblemCode.AdapterChoiceInvalid, model,
            string.Create(CultureInfo.InvariantCulture, $"cannot be held against one reference with {count} adapters"),
            "Give one --adapter, or --expected NAME=FILE for each.");
}
