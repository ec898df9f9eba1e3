using LoraOps.Bundles;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;

namespace LoraOps.Runtime.Adapters;

/// <summary>Reads adapter files with our own reader and holds them against the model, before ONNX Runtime sees them.</summary>
internal sealed class FileCheck(OnnxModel model, FormMetadata? form, AdapterSettings settings)
{
    /// <summary>Where the values will lie.</summary>
    public AdapterStorage Storage => settings.Storage;

    /// <summary>Reads a file.</summary>
    /// <exception cref="LoraOpsException">It is damaged, it does not fit the model, or it changes meanwhile.</exception>
    public CheckedFile Read(string path)
    {
        var full = Path.GetFullPath(path);
        var digest = Digest.OfFile(full);
        var adapter = OnnxAdapterFile.Read(full);
        if (adapter.Parameters.FirstOrDefault(one => model.Graph.Input.All(input => input.Name != one.Name)) is { } stray)
            throw new LoraOpsException(SwitchProblems.InputUnknown(full, stray.Name, ""));

        if (form is not null && adapter.ModelVersion == 0 && !settings.TakeForeign)
            throw new LoraOpsException(SwitchProblems.AdapterUnpaired(full));

        return new CheckedFile(full, digest, new FileInfo(full).Length, adapter.Parameters.Select(one => one.Name).ToHashSet(StringComparer.Ordinal));
    }
}
