using LoraOps.Onnx.Graphs;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Chips;

/// <summary>
/// The version of the file format. Exporters write the newest one that their library knows, whether the model needs it or not, and
/// compilers refuse what is newer than theirs.
/// </summary>
public static class IrVersions
{
    // The IR version that came with an opset (onnx/docs/Versioning.md).
    private static readonly (long Opset, long Ir)[] OfOpsets = [(23, 11), (21, 10), (19, 9), (15, 8), (12, 7), (11, 6), (10, 5), (9, 4)];

    /// <summary>Lowers the version to <paramref name="most"/> if nothing in the model needs a newer one.</summary>
    public static void Lower(OnnxModel model, long most)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.Proto.IrVersion > most && Needed(model) <= most)
            model.Proto.IrVersion = most;
    }

    private static long Needed(OnnxModel model)
    {
        var ofOpset = OfOpsets.FirstOrDefault(entry => model.Opset() >= entry.Opset, (Opset: 1, Ir: 3)).Ir;
        var hasNarrowTypes = model.AllTensors().Any(tensor => (DataType)tensor.DataType is DataType.Int4 or DataType.Uint4);
        return hasNarrowTypes ? Math.Max(ofOpset, 10) : ofOpset;
    }
}
