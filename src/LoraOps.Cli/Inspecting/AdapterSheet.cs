using LoraOps.Adapters;
using LoraOps.Cli.Output;
using LoraOps.Readers.Peft;
using LoraOps.Tensors;

namespace LoraOps.Cli.Inspecting;

/// <summary>What is in an adapter.</summary>
internal static class AdapterSheet
{
    /// <summary>Reads an adapter to describe it, which is no merging: one whose training changed the base may be looked at.</summary>
    public static Adapter Read(string path) => PeftReader.Read(path, residualBase: true);

    /// <summary>Reads and describes an adapter.</summary>
    public static Sheet Of(string path) => Of(path, Read(path));

    /// <summary>Describes an adapter.</summary>
    public static Sheet Of(string path, Adapter adapter)
    {
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
            .Add("bytes", Cell.Bytes(adapter.Bytes))
            .Add("types", Cell.List(adapter.Types.Select(type => type.Name())))
            .Add("digest", Cell.Digest(adapter.Digest))
            .AddGrid("modules", ["module", "parameter", "layer", "shape", "method", "rank", "scale"], adapter.Modules.Select(Row))
            .AddGrid("replacements", ["parameter", "type", "shape"], adapter.Replacements.Select(Row))
            .AddNotes("warnings", adapter.Warnings);
    }

    private static Cell[] Row(AdapterModule module) =>
    [
        module.Name.Value,
        module.Delta.Parameter,
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
