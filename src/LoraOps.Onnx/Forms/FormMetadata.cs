using System.Text.Json;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;

namespace LoraOps.Onnx.Forms;

/// <summary>What LoraOps writes into a converted model's metadata_props, for whoever loads it.</summary>
public sealed record FormMetadata
{
    private const string FormKey = "loraops.form";
    private const string BaseKey = "loraops.base_digest";
    private const string DialectKey = "loraops.dialect";
    private const string AdaptersKey = "loraops.adapters";

    /// <summary><c>inputs</c> or <c>switchable</c>.</summary>
    public required string Form { get; init; }

    /// <summary><see cref="ModelDigest"/> of the model that was converted, lower-case hexadecimal.</summary>
    public required string BaseDigest { get; init; }

    /// <summary>How the form <c>inputs</c> names its inputs; empty for the other.</summary>
    public string Dialect { get; init; } = "";

    /// <summary>The adapters of the form <c>switchable</c>: number i + 1 of the input <c>adapter</c>, column i of <c>adapter_weights</c>.</summary>
    public IReadOnlyList<string> Adapters { get; init; } = [];

    /// <summary>Reads it; null if the model has none.</summary>
    public static FormMetadata? Read(OnnxModel model) => Read(key => model.Proto.MetadataProps.FirstOrDefault(entry => entry.Key == key)?.Value);

    /// <summary>Reads it through a look-up by key, as a loaded session offers one; null if there is none or it is damaged.</summary>
    public static FormMetadata? Read(Func<string, string?> find)
    {
        if (find(FormKey) is not { } form || find(BaseKey) is not { } digest)
            return null;

        try
        {
            var adapters = JsonSerializer.Deserialize<string[]>(find(AdaptersKey) ?? "[]") ?? [];
            return new FormMetadata { Form = form, BaseDigest = digest, Dialect = find(DialectKey) ?? "", Adapters = adapters };
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Refuses a model that has adapters beside its layers: what pairs them with it would no longer hold.</summary>
    /// <exception cref="LoraOpsException">It is of the form inputs or switchable.</exception>
    internal static void RefuseConverted(OnnxModel model)
    {
        if (Read(model) is { } metadata)
            throw new LoraOpsException(FormProblems.AlreadyConverted(model.Path, metadata.Form));
    }

    /// <summary>Writes it into a model in place of what was there.</summary>
    public void Write(OnnxModel model)
    {
        Set(model, FormKey, Form);
        Set(model, BaseKey, BaseDigest);
        Set(model, DialectKey, Dialect);
        Set(model, AdaptersKey, Adapters.Count == 0 ? "" : JsonSerializer.Serialize(Adapters));
    }

    private static void Set(OnnxModel model, string key, string value)
    {
        var entries = model.Proto.MetadataProps;
        if (entries.FirstOrDefault(entry => entry.Key == key) is { } old)
            entries.Remove(old);

        if (value.Length > 0)
            entries.Add(new StringStringEntryProto { Key = key, Value = value });
    }
}
