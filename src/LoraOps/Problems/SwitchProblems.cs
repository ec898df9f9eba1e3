using System.Globalization;

namespace LoraOps.Problems;

/// <summary>What can go wrong when a program switches between adapters.</summary>
public static class SwitchProblems
{
    /// <summary><see cref="ProblemCode.FormMissing"/></summary>
    public static Problem FormMissing(string model, string reason) =>
        new(ProblemCode.FormMissing, model, reason, "Convert the base model with --form inputs or --form switchable.");

    /// <summary><see cref="ProblemCode.AdapterIdInvalid"/></summary>
    public static Problem AdapterIdInvalid(string path, string id, string reason) =>
        new(ProblemCode.AdapterIdInvalid, path, $"the id '{Clipped(id)}' {reason}", "Choose another id.");

    /// <summary><see cref="ProblemCode.AdapterUnknown"/></summary>
    public static Problem AdapterUnknown(string id, string nearest) =>
        new(ProblemCode.AdapterUnknown, "", $"no adapter is called '{Clipped(id)}'{nearest}", "Load it first, or use the id 'base' for none.");

    /// <summary><see cref="ProblemCode.ModelUnpaired"/></summary>
    public static Problem ModelUnpaired(string path) =>
        new(ProblemCode.ModelUnpaired, path, "does not say which base model it belongs to",
            "Convert it with loraops, or set TakeForeign if you know that its adapters belong to it.");

    /// <summary><see cref="ProblemCode.CacheFull"/></summary>
    public static Problem CacheFull(string path, long bytes, long used, long limit) =>
        new(ProblemCode.CacheFull, path,
            string.Create(
                CultureInfo.InvariantCulture,
                $"needs {bytes} bytes, but {used} of {limit} are held by running requests or the version that it replaces"),
            bytes > limit ? "Give the cache more bytes." : "Try again when requests have ended, or give the cache more bytes.");

    /// <summary><see cref="ProblemCode.AdapterChanged"/></summary>
    public static Problem AdapterChanged(string path) =>
        new(ProblemCode.AdapterChanged, path, "is another file than the one that was loaded under this id",
            "Load it again, and give each version its own file.");

    /// <summary><see cref="ProblemCode.AdaptersOverlap"/></summary>
    public static Problem AdaptersOverlap(string first, string second, string input) =>
        new(ProblemCode.AdaptersOverlap, "",
            $"the adapters '{first}' and '{second}' both set '{input}', and ONNX Runtime would take one of them without a word",
            "Mix them into one adapter, or blend them in the form switchable.");

    /// <summary><see cref="ProblemCode.InputTaken"/></summary>
    public static Problem InputTaken(string model, string input, string adapter) =>
        new(ProblemCode.InputTaken, model, $"the input '{input}' is set by the adapter '{Clipped(adapter)}' and would be ignored",
            "Leave it out of the run's inputs.");

    /// <summary><see cref="ProblemCode.InputUnknown"/></summary>
    public static Problem InputUnknown(string model, string input, string nearest) =>
        new(ProblemCode.InputUnknown, model, $"there is no input '{Clipped(input)}'{nearest}", "Name the values like the inputs of the model.");

    /// <summary><see cref="ProblemCode.AdapterRunFailed"/></summary>
    public static Problem RunFailed(string model, string adapter, string reason) =>
        new(ProblemCode.AdapterRunFailed, model, $"ONNX Runtime fails with the adapter '{Clipped(adapter)}': {reason.TrimEnd('.')}",
            "Check the types and shapes of the run's inputs and outputs.");

    /// <summary><see cref="ProblemCode.AdapterRefused"/></summary>
    public static Problem AdapterRefused(string path, string reason) =>
        new(ProblemCode.AdapterRefused, path, $"ONNX Runtime refuses the adapter: {reason.TrimEnd('.')}", "Convert it again.");

    /// <summary><see cref="ProblemCode.ChoiceUnsupported"/></summary>
    public static Problem ChoiceUnsupported(string model, string form, string what, string advice) =>
        new(ProblemCode.ChoiceUnsupported, model, $"a model of the form {form} as this one cannot {what}", advice);

    /// <summary><see cref="ProblemCode.RowsDiffer"/></summary>
    public static Problem RowsDiffer(string model, int rows, long batch) =>
        new(ProblemCode.RowsDiffer, model, $"there are adapters for {rows} rows, but the batch has {batch}", "Give one for each row.");

    /// <summary><see cref="ProblemCode.BlendInvalid"/></summary>
    public static Problem BlendInvalid(string model, string id, float weight) =>
        new(ProblemCode.BlendInvalid, model,
            string.Create(CultureInfo.InvariantCulture, $"'{id}' has the weight {weight}; adapters have finite weights, and the base has none"),
            "Correct the weight, or leave the base out.");

    /// <summary><see cref="ProblemCode.RanksClash"/></summary>
    public static Problem RanksClash(string path, string symbol, (string Input, long Size) first, (string Input, long Size) second) =>
        new(ProblemCode.RanksClash, path,
            string.Create(
                CultureInfo.InvariantCulture,
                $"the model calls a dimension of '{first.Input}' and of '{second.Input}' alike, '{symbol}', but they would be {first.Size} and {second.Size}"),
            "Convert the model with loraops, or give the adapter one rank for all modules.");

    private static string Clipped(string text) => text.Length <= 256 ? text : text[..256] + "…";
}
