using LoraOps.Adapters;
using LoraOps.Cli.Output;
using LoraOps.Readers.Peft;

namespace LoraOps.Cli.Inspecting;

/// <summary>What is in an adapter.</summary>
internal static class AdapterSheet
{
    /// <summary>Reads and describes an adapter folder.</summary>
    public static Sheet Of(string path)
    {
        // Describing is no merging: an adapter whose training changed the base may be looked at.
        var adapter = PeftReader.Read(path, residualBase: true);
        var config = adapter.Config;
        return new Sheet()
            .Add("kind", "adapter")
            .Add("path", path)
            .Add("name", adapter.Name)
            .Add("method", Cell.List(adapter.Modules.Select(module => module.Delta.Method).Distinct().Order(StringComparer.Ordinal)))
            .Add("peft type", config.PeftType)
            .Add("base model", config.BaseModel)
            .Add("peft version", config.PeftVersion)
            .Add("module count", adapter.Modules.Count)
            .Add("ranks", Span(adapter.Modules.Select(module => (double)module.Delta.Rank)))
            .Add("scales", Span(adapter.Modules.Select(module => module.Delta.Scale)))
            .Add("targets", Cell.List(config.TargetModules))
            .Add("rank-stabilised", config.UsesRsLora)
            .Add("initialization", config.Initialization)
            .Add("bytes", Cell.Bytes(Directory.EnumerateFiles(path, "adapter_model*").Sum(file => new FileInfo(file).Length)))
            .Add("digest", Cell.Digest(adapter.Digest))
            .AddGrid("modules", ["module", "layer", "shape", "method", "rank", "scale"], adapter.Modules.Select(Row))
            .AddGrid("replacements", ["parameter", "type", "shape"], adapter.Replacements.Select(Row))
            .AddNotes("warnings", adapter.Warnings);
    }

    private static Cell[] Row(AdapterModule module) =>
    [
        module.Name.Value,
        module.Delta.Layer.ToString(),
        module.Delta.Expected,
        module.Delta.Method,
        module.Delta.Rank,
        module.Delta.Scale,
    ];

    private static Cell[] Row(Replacement replacement) =>
        [replacement.FullName, replacement.Value.Type.ToString(), replacement.Value.Shape.ToString()];

    private static Cell Span(IEnumerable<double> values)
    {
        var sorted = values.Distinct().Order().ToArray();
        return Cell.List(sorted.Select(value => ((Cell)value).Text));
    }
}
