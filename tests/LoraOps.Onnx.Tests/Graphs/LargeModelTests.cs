using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Tests.Forms;
using LoraOps.Problems;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;
using static LoraOps.Onnx.Tests.TinyModel;

namespace LoraOps.Onnx.Tests.Graphs;

/// <summary>Models beyond what a protobuf message, or memory, holds.</summary>
public sealed class LargeModelTests : IDisposable
{
    private const long LargeBytes = 2_300_000_000;
    private const long Room = 8_000_000_000;
    private const long Memory = 50_000_000;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Converts_beside_an_external_tensor_of_more_than_2_GB_without_reading_it_whole()
    {
        if (new DriveInfo(_folder[""]).AvailableFreeSpace < Room)
            return;

        WriteSparse("w.bin", LargeBytes, (LargeBytes - 4, 7f));
        var model = OnnxModel.Load(Write(External("large", "w.bin", LargeBytes / 4)));
        var before = GC.GetAllocatedBytesForCurrentThread();

        var merged = MergedForm.Convert(model, [DenseDelta.Adapter("fc", LayerKind.Linear, [2, 2], [1, 2, 3, 4])], new MappingOptions()).Model;
        Directory.CreateDirectory(_folder["out"]);
        merged.Save(_folder["out/model.onnx"]);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Memory);
        var copy = OnnxModel.Load(_folder["out/model.onnx"]);
        var last = new float[1];
        copy.Read(copy.Graph.Initializer[0]).ReadFloats((LargeBytes / 4) - 1, last);
        Assert.Equal(7f, last[0]);
        Assert.Equal(1.1f, copy.Read(copy.Graph.Initializer[1]).ToFloats()[0], 1e-6f);
        Assert.Equal(0, Offset(copy.Graph.Initializer[0]) % (1 << 16));
    }

    [Fact]
    [Raises(ProblemCode.WeightTooLarge)]
    public void Refuses_to_change_a_weight_of_more_than_2_GiB()
    {
        WriteSparse("w.bin", 2_400_000_000, (0, 1f));
        var tensor = External("big.weight", "w.bin", 0);
        tensor.Dims.Clear();
        tensor.Dims.Add([300, 2_000_000]);
        var model = OnnxModel.Load(Write(tensor));
        model.Graph.Node.Add(new NodeProto { OpType = "Gemm", Name = "/big/Gemm", Input = { "x", "big.weight" }, Output = { "z" } });
        model.Graph.Node[^1].Attribute.Add(Int("transB", 1));
        var delta = DenseDelta.Adapter("big", LayerKind.Linear, [300, 2_000_000], []);

        var refusal = Assert.Throws<LoraOpsException>(() => MergedForm.Convert(model, [delta], new MappingOptions()));

        Assert.Equal(ProblemCode.WeightTooLarge, Assert.Single(refusal.Problems).Code);
    }

    [Fact]
    public void Aligns_what_is_larger_than_a_mebibyte()
    {
        WriteSparse("w.bin", 3_000_000, (0, 1f));
        var model = OnnxModel.Load(Write(External("small", "w.bin", 25), External("large", "w.bin", 700_000), External("next", "w.bin", 25)));

        Directory.CreateDirectory(_folder["out"]);
        model.Save(_folder["out/model.onnx"]);

        var copy = OnnxModel.Load(_folder["out/model.onnx"]);
        Assert.Equal([0, 1 << 16, (1 << 16) + 2_800_000], copy.Graph.Initializer.Take(3).Select(Offset));
    }

    [Fact]
    public void Moves_initializers_out_of_a_message_that_they_are_too_large_for()
    {
        var model = new TinyModel().Weight("large", [300]).Weight("tiny", [2]).Weight("other", [400])
            .Node("Add", "add", ["large", "other", "y"]).Model;
        model.Save(_folder["inline.onnx"], maxInlineBytes: 2808);
        model.Save(_folder["model.onnx"], maxInlineBytes: 2807);

        var copy = OnnxModel.Load(_folder["model.onnx"]);

        Assert.False(File.Exists(_folder["inline.onnx.data"]));
        Assert.Equal([true, false, true], copy.Graph.Initializer.Select(ExternalData.IsExternal));
        Assert.Equal([0, 1216], new[] { 0, 2 }.Select(i => Offset(copy.Graph.Initializer[i])));
        foreach (var (mine, theirs) in model.Graph.Initializer.Zip(copy.Graph.Initializer))
            Assert.Equal(model.Read(mine).ToFloats(), copy.Read(theirs).ToFloats());
    }

    [Fact]
    public void Keeps_a_tensor_of_nothing_in_the_message()
    {
        WriteSparse("w.bin", 100, (0, 1f));
        var model = OnnxModel.Load(Write(External("nothing", "w.bin", 0), External("w", "w.bin", 25)));
        model.Save(_folder["b.onnx"]);

        Assert.Equal([false, true], OnnxModel.Load(_folder["b.onnx"]).Graph.Initializer.Take(2).Select(ExternalData.IsExternal));
    }

    private string Write(params TensorProto[] tensors)
    {
        var model = new TinyModel().Weight("fc.weight", [2, 2]).Node("Gemm", "/fc/Gemm", ["x", "fc.weight", "y"], Int("transB", 1)).Model;
        for (var i = 0; i < tensors.Length; i++)
            model.Graph.Initializer.Insert(i, tensors[i]);

        File.WriteAllBytes(_folder["model.onnx"], Google.Protobuf.MessageExtensions.ToByteArray(model.Proto));
        return _folder["model.onnx"];
    }

    private void WriteSparse(string name, long length, (long At, float Value) mark)
    {
        using var file = new FileStream(_folder[name], FileMode.Create);
        file.SetLength(length);
        file.Position = mark.At;
        file.Write(BitConverter.GetBytes(mark.Value));
    }

    private static TensorProto External(string name, string file, long count)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)DataType.Float, Dims = { count }, DataLocation = DataLocation.External };
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = file });
        return tensor;
    }

    private static long Offset(TensorProto tensor) =>
        long.Parse(tensor.ExternalData.Single(entry => entry.Key == "offset").Value, CultureInfo.InvariantCulture);
}
