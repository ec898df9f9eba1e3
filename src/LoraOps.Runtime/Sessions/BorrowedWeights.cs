using System.Globalization;
using System.Runtime.InteropServices;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Tensors;
using Microsoft.ML.OnnxRuntime;

namespace LoraOps.Runtime.Sessions;

/// <summary>
/// The large initializers of a model lent to a session where they lie, so that they are in memory once: neither in the message that the
/// session is made of, nor in buffers of its own. Must live as long as the session.
/// </summary>
internal sealed class BorrowedWeights : IDisposable
{
    private const int SmallestBytes = 1 << 12;
    private const string FileName = "lent";
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("loraops-");
    private readonly List<OrtValue> _values = [];
    private readonly List<GCHandle> _pins = [];

    private BorrowedWeights(ModelProto message) => Message = message;

    /// <summary>The model without the bytes of what is lent.</summary>
    public ModelProto Message { get; }

    /// <summary>Where the runtime looks whether there is a file.</summary>
    public string Folder => _folder.FullName;

    /// <summary>Lends a model's weights; null if some lie outside the message already, where the runtime maps them.</summary>
    /// <param name="model">Left as it is.</param>
    /// <param name="options">The options of the session; it must not optimise, for then the runtime would look for the bytes in files.</param>
    public static BorrowedWeights? Of(OnnxModel model, SessionOptions options)
    {
        if (model.AllTensors().Any(ExternalData.IsExternal))
            return null;

        // A copy of a message shares the bytes of its tensors.
        var weights = new BorrowedWeights(model.Proto.Clone());
        var inputs = model.Graph.Input.Select(input => input.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var tensor in weights.Message.Graph.Initializer)
        {
            if (!tensor.HasRawData || tensor.RawData.Length < SmallestBytes || inputs.Contains(tensor.Name))
                continue;

            if (OnnxTensor.TypeOf(tensor.DataType) is { } type && RuntimeTypes.Knows(type) && model.Read(tensor).ByteLength == tensor.RawData.Length)
                weights.Lend(tensor, type, options);
        }

        File.WriteAllBytes(Path.Combine(weights.Folder, FileName), []);
        return weights;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var value in _values)
            value.Dispose();

        foreach (var pin in _pins)
            pin.Free();

        _folder.Delete(recursive: true);
    }

    private void Lend(TensorProto tensor, ElementType type, SessionOptions options)
    {
        if (!MemoryMarshal.TryGetArray(tensor.RawData.Memory, out var bytes) || bytes.Array is null)
            return;

        var pin = GCHandle.Alloc(bytes.Array, GCHandleType.Pinned);
        _pins.Add(pin);
        var value = OrtValue.CreateTensorValueWithData(
            OrtMemoryInfo.DefaultInstance, RuntimeTypes.To(type), [.. tensor.Dims], pin.AddrOfPinnedObject() + bytes.Offset, bytes.Count);
        _values.Add(value);
        options.AddInitializer(tensor.Name, value);

        // The runtime wants to be told where the bytes would be, and that the file exists; it does not read it.
        tensor.ClearRawData();
        tensor.DataLocation = TensorProto.Types.DataLocation.External;
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = FileName });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = "0" });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "length", Value = bytes.Count.ToString(CultureInfo.InvariantCulture) });
    }
}
