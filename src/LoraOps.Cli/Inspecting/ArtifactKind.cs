using LoraOps.Bundles;
using System.Buffers.Binary;
using LoraOps.Onnx.AdapterFiles;
using LoraOps.Readers;
using LoraOps.Readers.TorchPickle;
using LoraOps.Runtime.Calibrating;

namespace LoraOps.Cli.Inspecting;

/// <summary>What a path holds.</summary>
internal enum ArtifactKind
{
    /// <summary>Nothing that LoraOps knows.</summary>
    Unknown,

    /// <summary>A folder as PEFT's save_pretrained writes it.</summary>
    Adapter,

    /// <summary>One safetensors file, or a folder or index of them.</summary>
    Checkpoint,

    /// <summary>A file of torch.save.</summary>
    Torch,

    /// <summary>An ONNX model.</summary>
    Onnx,

    /// <summary>An .onnx_adapter.</summary>
    OnnxAdapter,

    /// <summary>One .npy array.</summary>
    Array,

    /// <summary>A folder of .npy arrays.</summary>
    Samples,

    /// <summary>A file that a vendor's compiler takes beside a model.</summary>
    HandOff,

    /// <summary>A LoraOps bundle.</summary>
    Bundle,

    /// <summary>A file of calibrated ranges.</summary>
    Ranges,
}

/// <summary>Tells artefacts apart, by their content first and by their names where the content is damaged.</summary>
internal static class ArtifactKinds
{
    private const int SignatureBytes = 9;
    private const byte OnnxIrVersionField = 0x08;
    private const byte NumpyMark = 0x93;

    /// <summary>The kind of a file or folder that exists.</summary>
    public static ArtifactKind Of(string path) => Directory.Exists(path) ? OfFolder(path) : OfFile(path);

    /// <summary>True for a folder whose artefact is its <c>model.onnx</c>.</summary>
    public static bool IsModelFolder(string path) => Directory.Exists(path) && OfFolder(path) == ArtifactKind.Onnx;

    private static ArtifactKind OfFolder(string path)
    {
        if (Has(path, "adapter_config.json") || Has(path, "adapter_model.*"))
            return ArtifactKind.Adapter;

        if (Has(path, BundleWriter.ManifestName) || Has(path, BundleWriter.SumsName))
            return ArtifactKind.Bundle;

        if (Has(path, "*.safetensors") || Has(path, "*.safetensors.index.json"))
            return ArtifactKind.Checkpoint;

        if (Has(path, "*.npy"))
            return ArtifactKind.Samples;

        // PEFT saves an adapter that has a name into a folder of its own.
        if (Directory.EnumerateDirectories(path).Any(inner => Has(inner, "adapter_config.json")))
            return ArtifactKind.Adapter;

        if (Directory.EnumerateDirectories(path).Any(inner => Has(inner, "*.npy")))
            return ArtifactKind.Samples;

        return Has(path, "model.onnx") ? ArtifactKind.Onnx : ArtifactKind.Unknown;
    }

    private static ArtifactKind OfFile(string path)
    {
        // Texts that others write: nothing but their names tells them apart.
        if (HandOffSheet.IsNamed(path))
            return ArtifactKind.HandOff;

        var bytes = new byte[SignatureBytes];
        using (var file = InputFile.Open(path))
        {
            if (IsSafetensors(bytes.AsSpan(0, file.ReadAtLeast(bytes, SignatureBytes, throwOnEndOfStream: false)), file.Length))
                return ArtifactKind.Checkpoint;
        }

        if (bytes[0] == NumpyMark && bytes.AsSpan(1).StartsWith("NUMPY"u8))
            return ArtifactKind.Array;

        if (bytes.AsSpan(sizeof(int)).StartsWith("TORT"u8))
            return ArtifactKind.OnnxAdapter;

        if (bytes[0] == (byte)'{' && RangeFile.IsFile(path))
            return ArtifactKind.Ranges;

        return bytes[0] == OnnxIrVersionField && bytes[1] is > 0 and < 32 ? ArtifactKind.Onnx : ByName(path);
    }

    // A damaged file is still what its name says, and its reader can say best what is wrong with it.
    private static ArtifactKind ByName(string path)
    {
        if (path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase)
            || path.EndsWith(".safetensors.index.json", StringComparison.OrdinalIgnoreCase))
            return ArtifactKind.Checkpoint;

        if (path.EndsWith(".npy", StringComparison.OrdinalIgnoreCase))
            return ArtifactKind.Array;

        if (path.EndsWith(OnnxAdapterFile.Extension, StringComparison.OrdinalIgnoreCase))
            return ArtifactKind.OnnxAdapter;

        if (path.EndsWith("ranges.json", StringComparison.OrdinalIgnoreCase))
            return ArtifactKind.Ranges;

        if (TorchFile.IsNamed(path))
            return ArtifactKind.Torch;

        return path.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase) ? ArtifactKind.Onnx : ArtifactKind.Unknown;
    }

    private static bool IsSafetensors(ReadOnlySpan<byte> start, long length) => start.Length == SignatureBytes
        && start[^1] == (byte)'{' && BinaryPrimitives.ReadUInt64LittleEndian(start) <= (ulong)length;

    private static bool Has(string folder, string pattern) => Directory.EnumerateFiles(folder, pattern).Any();
}
