using LoraOps.Bundles;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Problems;

namespace LoraOps.Runtime.Adapters;

/// <summary>Reads adapter files with our own reader and holds them against the model, before ONNX Runtime sees them.</summary>
internal sealed class FileCheck(AdaptableModel model, AdapterSettings settings)
{
    private readonly AdapterFitOptions _options = new() { AllowsForeign = settings.TakeForeign };

    /// <summary>Where the values will lie.</summary>
    public AdapterStorage Storage => settings.Storage;

    /// <summary>Reads a file.</summary>
    /// <exception cref="LoraOpsException">It is damaged, or it does not fit the model.</exception>
    public CheckedFile Read(string path)
    {
        var full = Path.GetFullPath(path);
        var digest = Digest.OfFile(full);
        var adapter = OnnxAdapterFile.Read(full);
        AdapterFit.Demand(adapter, full, model, _options);
        CheckSymbols(full, adapter);
        var names = adapter.Parameters.Select(parameter => parameter.Name).ToHashSet(StringComparer.Ordinal);
        return new CheckedFile(full, digest, new FileInfo(full).Length, names);
    }

    // Where free dimensions share a name, the runtime takes tensors for equal in size, re-uses their memory and fails in the middle of a
    // run. LoraOps names each module's rank by itself; others call all ranks alike.
    private void CheckSymbols(string path, OnnxAdapter adapter)
    {
        if (model.Metadata is not null)
            return;

        var given = adapter.Parameters.ToDictionary(parameter => parameter.Name, parameter => parameter.Shape, StringComparer.Ordinal);
        var sizes = new Dictionary<string, (string Input, long Size)>(StringComparer.Ordinal);
        foreach (var input in model.Inputs.Where(input => input.Dims is not null))
        {
            for (var at = 0; at < input.Dims!.Count; at++)
            {
                var size = given.TryGetValue(input.Name, out var shape) ? shape[at] : input.Default.ElementAtOrDefault(at);
                var symbol = input.Dims[at].Symbol;
                if (symbol.Length > 0 && !sizes.TryAdd(symbol, (input.Name, size)) && sizes[symbol] is var first && first.Size != size)
                    throw new LoraOpsException(SwitchProblems.RanksClash(path, symbol, (first.Input, first.Size), (input.Name, size)));
            }
        }
    }
}
