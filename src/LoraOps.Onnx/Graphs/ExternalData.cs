using System.Globalization;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Graphs;

/// <summary>Where a tensor's bytes lie outside the model file.</summary>
/// <param name="File">The file's full path.</param>
/// <param name="Offset">The first byte.</param>
/// <param name="Length">How many.</param>
public readonly record struct ExternalRange(string File, long Offset, long Length);

/// <summary>Tensors whose bytes lie in a file beside the model (https://github.com/onnx/onnx/blob/main/docs/ExternalData.md).</summary>
public static class ExternalData
{
    private const long LargeTensorBytes = 1 << 20;
    private const long LargeAlignment = 1 << 16;
    private const long SmallAlignment = 64;
    private const long SmallestMoved = 1 << 10;

    /// <summary>True if the tensor's bytes are outside.</summary>
    public static bool IsExternal(TensorProto tensor) => tensor.DataLocation == TensorProto.Types.DataLocation.External;

    /// <summary>Finds the bytes, and refuses paths that leave the model's folder and ranges that leave the file.</summary>
    /// <exception cref="LoraOpsException">The location is missing, escapes, or does not hold the tensor's bytes.</exception>
    public static ExternalRange Locate(TensorProto tensor, string modelPath)
    {
        var location = Entry(tensor, "location") ?? "";
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(modelPath))!;
        if (!IsPlain(location) || Escapes(folder, location))
            throw new LoraOpsException(FileProblems.PathEscapes(modelPath, location));

        var file = System.IO.Path.Combine(folder, location);
        if (!File.Exists(file))
            throw new LoraOpsException(OnnxProblems.ExternalDataInvalid(modelPath, tensor.Name, $"its data file '{location}' does not exist"));

        var needed = OnnxTensor.ByteLength(tensor, modelPath);
        var offset = Number(tensor, "offset", 0, modelPath);
        var length = Number(tensor, "length", needed, modelPath);
        var size = new FileInfo(file).Length;
        if (length != needed || offset > size || needed > size - offset)
        {
            throw new LoraOpsException(OnnxProblems.ExternalDataInvalid(modelPath, tensor.Name, string.Create(
                CultureInfo.InvariantCulture, $"it needs {needed} bytes but names {length} from {offset} in '{location}' of {size} bytes")));
        }

        return new ExternalRange(file, offset, length);
    }

    /// <summary>Copies external tensors into one new file, in graph order at aligned offsets, and points a copy of the message there.</summary>
    /// <param name="model">The model.</param>
    /// <param name="dataPath">The new file.</param>
    /// <param name="wasExternal">Tensors that belong there though their bytes are in the message now.</param>
    /// <param name="isLarge">True if every initializer of some size belongs there.</param>
    internal static ModelProto Rewrite(OnnxModel model, string dataPath, IReadOnlySet<TensorProto> wasExternal, bool isLarge)
    {
        var initializers = model.Graph.AllGraphs().SelectMany(graph => isLarge ? graph.Initializer : [])
            .Where(tensor => OnnxTensor.InlineBytes(tensor) >= SmallestMoved && OnnxTensor.TypeOf(tensor.DataType) is not null)
            .ToHashSet<TensorProto>(ReferenceEqualityComparer.Instance);
        var copy = model.Clone();
        using var data = new FileStream(dataPath, FileMode.Create, FileAccess.Write);
        foreach (var (mine, theirs) in model.AllTensors().Zip(copy.AllTensors()))
        {
            if (!IsExternal(mine) && !wasExternal.Contains(mine) && !initializers.Contains(mine))
                continue;

            // ONNX Runtime maps the file: a tensor of nothing has no place in it.
            var source = model.Read(mine);
            if (source.ByteLength == 0)
            {
                OnnxTensor.SetRaw(theirs, []);
                continue;
            }

            var alignment = source.ByteLength > LargeTensorBytes ? LargeAlignment : SmallAlignment;
            data.Position = (data.Position + alignment - 1) / alignment * alignment;
            PointTo(theirs, System.IO.Path.GetFileName(dataPath), data.Position, source.ByteLength);
            CopyBytes(source, data);
        }

        return copy.Proto;
    }

    private static void CopyBytes(Tensor source, Stream target)
    {
        var buffer = new byte[Math.Min(source.ByteLength, LargeTensorBytes)];
        for (long at = 0; at < source.ByteLength; at += buffer.Length)
        {
            var block = buffer.AsSpan(0, (int)Math.Min(buffer.Length, source.ByteLength - at));
            source.ReadBytes(at, block);

            // Where nothing is written the file has a hole, which reads as zeros and takes no room.
            if (block.ContainsAnyExcept((byte)0))
                target.Write(block);
            else
                target.Position += block.Length;
        }

        if (target.Length < target.Position)
            target.SetLength(target.Position);
    }

    private static void PointTo(TensorProto tensor, string file, long offset, long length)
    {
        OnnxTensor.SetRaw(tensor, null);
        tensor.DataLocation = TensorProto.Types.DataLocation.External;
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = file });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = offset.ToString(CultureInfo.InvariantCulture) });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "length", Value = length.ToString(CultureInfo.InvariantCulture) });
    }

    private static string? Entry(TensorProto tensor, string key) =>
        tensor.ExternalData.FirstOrDefault(entry => entry.Key == key)?.Value;

    private static long Number(TensorProto tensor, string key, long missing, string modelPath)
    {
        if (Entry(tensor, key) is not { } text)
            return missing;

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new LoraOpsException(OnnxProblems.ExternalDataInvalid(modelPath, tensor.Name, $"its {key} '{text}' is no number"));
    }

    private static bool IsPlain(string location) => location.Length > 0 && !System.IO.Path.IsPathRooted(location)
        && !location.Contains('\\', StringComparison.Ordinal)
        && location.Split('/').All(part => part.Length > 0 && part != ".." && part != ".");

    // A link inside the folder may still point out of it.
    private static bool Escapes(string folder, string location)
    {
        var at = folder;
        foreach (var part in location.Split('/'))
        {
            at = System.IO.Path.Combine(at, part);
            if (new FileInfo(at).LinkTarget is not null)
                return true;
        }

        return false;
    }
}
