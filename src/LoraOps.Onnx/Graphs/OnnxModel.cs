using Google.Protobuf;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Graphs;

/// <summary>
/// An ONNX file in memory: its protobuf message, and the folder that its external data lies in.
/// Loading and saving an unchanged inline model gives the same bytes.
/// Format: https://github.com/onnx/onnx/blob/main/docs/IR.md
/// </summary>
public sealed class OnnxModel
{
    /// <summary>A protobuf message is at most this long; larger models keep their tensors in a file beside.</summary>
    public const long MaxMessageBytes = int.MaxValue;

    /// <summary>The most bytes of tensors that a message holds beside its nodes.</summary>
    public const long MaxInlineBytes = MaxMessageBytes - (1 << 26);

    private readonly HashSet<TensorProto> _wasExternal = new(ReferenceEqualityComparer.Instance);

    private OnnxModel(ModelProto proto, string path)
    {
        Proto = proto;
        Path = path;
    }

    /// <summary>The message; edit it in place.</summary>
    public ModelProto Proto { get; }

    /// <summary>The main graph.</summary>
    public GraphProto Graph => Proto.Graph;

    /// <summary>The file that it was read from, for messages and external data.</summary>
    public string Path { get; }

    /// <summary>The folder that external data is relative to.</summary>
    public string Folder => System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;

    /// <summary>True if a tensor's bytes lie in a file beside the model.</summary>
    public bool HasExternalData => _wasExternal.Count > 0 || this.AllTensors().Any(ExternalData.IsExternal);

    /// <summary>The opset version of a domain; the default domain is the empty string. 0 if the model does not import it.</summary>
    public long Opset(string domain = "") =>
        Proto.OpsetImport.FirstOrDefault(opset => Canonical(opset.Domain) == domain)?.Version ?? 0;

    /// <summary>A model that was made in memory.</summary>
    /// <param name="proto">The message; owned by the model from now on.</param>
    /// <param name="path">Where it would lie, for messages and external data.</param>
    public static OnnxModel FromProto(ModelProto proto, string path) => new(proto, path);

    /// <summary>Reads a model; external data is checked now and read when it is asked for.</summary>
    /// <exception cref="LoraOpsException">The file is missing, is no ONNX model, or its external data is not where it says.</exception>
    public static OnnxModel Load(string path)
    {
        var model = new OnnxModel(Parse(path), path);
        foreach (var tensor in model.AllTensors())
            OnnxTensor.Check(tensor, path);

        NodeArity.Check(model);
        return model;
    }

    /// <summary>A copy that can be edited without touching this one.</summary>
    public OnnxModel Clone()
    {
        var clone = new OnnxModel(Proto.Clone(), Path);
        foreach (var (mine, copy) in this.AllTensors().Zip(clone.AllTensors()))
        {
            if (_wasExternal.Contains(mine))
                clone._wasExternal.Add(copy);
        }

        return clone;
    }

    /// <summary>A copy that has every tensor in its message; this model itself if it has no external data.</summary>
    public OnnxModel Inlined()
    {
        if (!HasExternalData)
            return this;

        var inlined = new OnnxModel(Proto.Clone(), Path);
        foreach (var tensor in inlined.AllTensors().Where(ExternalData.IsExternal))
            OnnxTensor.SetRaw(tensor, Read(tensor).ToBytes());

        return inlined;
    }

    /// <summary>A view of an initializer's or constant's elements.</summary>
    /// <exception cref="LoraOpsException">Its bytes do not fit its dimensions, or its type is none that LoraOps knows.</exception>
    public Tensor Read(TensorProto tensor) => OnnxTensor.Read(tensor, Path);

    /// <summary>Replaces the elements of a tensor and keeps its name, dimensions and type.</summary>
    /// <param name="tensor">A tensor of this model.</param>
    /// <param name="bytes">Little-endian elements, as many as before.</param>
    public void Write(TensorProto tensor, byte[] bytes)
    {
        if (ExternalData.IsExternal(tensor))
            _wasExternal.Add(tensor);

        OnnxTensor.SetRaw(tensor, bytes);
    }

    /// <summary>
    /// Writes the model to <paramref name="path"/>. Tensors that lay in an external file go to <c>PATH.data</c> again,
    /// the others stay inline, unless together they are too large for a message: then all of some size go there.
    /// </summary>
    /// <param name="path">A file that no user sees yet (<see cref="LoraOps.Writers.StagedOutput"/>).</param>
    /// <param name="maxInlineBytes">How many bytes of tensors may stay in the message.</param>
    public void Save(string path, long maxInlineBytes = MaxInlineBytes)
    {
        var isTooLarge = this.AllTensors().Where(tensor => !ExternalData.IsExternal(tensor)).Sum(OnnxTensor.InlineBytes) > maxInlineBytes;
        var message = HasExternalData || isTooLarge ? ExternalData.Rewrite(this, path + ".data", _wasExternal, isTooLarge) : Proto;
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write);
        message.WriteTo(file);
    }

    private static string Canonical(string domain) => domain == "ai.onnx" ? "" : domain;

    private static ModelProto Parse(string path)
    {
        if (!File.Exists(path))
            throw new LoraOpsException(FileProblems.FileMissing(path));

        if (new FileInfo(path).Length > MaxMessageBytes)
            throw new LoraOpsException(OnnxProblems.NotOnnx(path, "it is larger than 2 GiB, the limit of the format"));

        try
        {
            var proto = ModelReader.Read(path);
            return proto.Graph is { Node.Count: > 0 } && proto.OpsetImport.Count > 0
                ? proto
                : throw new LoraOpsException(OnnxProblems.NotOnnx(path, "it has no graph or imports no opset"));
        }
        catch (InvalidProtocolBufferException damage)
        {
            throw new LoraOpsException(OnnxProblems.NotOnnx(path, damage.Message));
        }
    }
}
