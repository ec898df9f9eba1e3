using LoraOps.Cli.Output;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Tensors;

namespace LoraOps.Cli.Inspecting;

/// <summary>What is in an <c>.onnx_adapter</c>.</summary>
internal static class OnnxAdapterSheet
{
    /// <summary>Reads and describes a file.</summary>
    public static Sheet Of(string path)
    {
        var adapter = OnnxAdapterFile.Read(path);
        var dialect = NameDialects.All.FirstOrDefault(one => adapter.Parameters.All(parameter => one.Parse(parameter.Name) is not null));
        var modules = adapter.Parameters.Select(parameter => (Parameter: parameter, Meaning: dialect?.Parse(parameter.Name)))
            .Where(pair => pair.Meaning is not null)
            .GroupBy(pair => pair.Meaning!.Value.Module.Value, StringComparer.Ordinal).ToList();
        return new Sheet()
            .Add("kind", "onnx adapter")
            .Add("path", path)
            .Add("adapter version", adapter.AdapterVersion)
            .Add("model version", adapter.ModelVersion)
            .Add("dialect", dialect?.Name)
            .Add("parameter count", adapter.Parameters.Count)
            .Add("module count", modules.Count)
            .Add("ranks", Cell.List(adapter.Parameters.Select(parameter => Rank(parameter, dialect)).OfType<long>().Distinct().Order()
                .Select(rank => ((Cell)rank).Text)))
            .Add("types", Cell.List(adapter.Parameters.Select(parameter => parameter.Type).Distinct().Order().Select(type => type.Name())))
            .Add("data bytes", Cell.Bytes(adapter.Parameters.Sum(parameter => parameter.ByteLength)))
            .Add("bytes", Cell.Bytes(new FileInfo(path).Length))
            .AddGrid("modules", ["module", "parts"], modules.Select(module => new Cell[]
            {
                module.Key, Cell.List(module.Select(pair => pair.Meaning!.Value.Part)),
            }))
            .AddGrid("parameters", ["name", "type", "shape", "bytes"], adapter.Parameters.Select(parameter => new Cell[]
            {
                parameter.Name, parameter.Type.Name(), parameter.Shape.ToString(), Cell.Bytes(parameter.ByteLength),
            }), detail: modules.Count > 0);
    }

    // A [in, r] or [V, r]; of a convolution [r, in, k…].
    private static long? Rank(Tensor parameter, NameDialect? dialect) => dialect?.Parse(parameter.Name)?.Part switch
    {
        "lora_A" or "lora_embedding_A" when parameter.Shape.Rank == 2 => parameter.Shape[1],
        "lora_A" when parameter.Shape.Rank > 2 => parameter.Shape[0],
        _ => null,
    };
}
