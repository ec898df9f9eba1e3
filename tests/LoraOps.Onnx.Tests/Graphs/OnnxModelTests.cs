using Google.Protobuf;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Tests.Graphs;

public sealed class OnnxModelTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Models() =>
        [.. Directory.EnumerateFiles(Fixtures.Path(), "model.onnx", SearchOption.AllDirectories)
            .Where(path => !path.Contains("hostile", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Models))]
    public void Writes_back_the_bytes_it_read(string path)
    {
        OnnxModel.Load(path).Save(_folder["copy.onnx"]);

        Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(_folder["copy.onnx"]));
    }

    [Fact]
    public void Keeps_fields_that_it_does_not_know()
    {
        var proto = WithInitializer(OnnxTensor.Create("w", [2], [1f, 2f]));

        // Field 26 of the model (device configurations) is in no message of ours.
        byte[] bytes = [.. proto.ToByteArray(), 0xD2, 0x01, 0x02, 0x08, 0x01];
        File.WriteAllBytes(_folder["a.onnx"], bytes);
        OnnxModel.Load(_folder["a.onnx"]).Save(_folder["b.onnx"]);

        Assert.Equal(bytes, File.ReadAllBytes(_folder["b.onnx"]));
    }

    [Theory]
    [InlineData(DataType.Float, "3,-1.5")]
    [InlineData(DataType.Double, "3,-1.5")]
    [InlineData(DataType.Int64, "3,-1")]
    [InlineData(DataType.Int32, "3,-1")]
    [InlineData(DataType.Int8, "3,-1")]
    [InlineData(DataType.Uint8, "3,255")]
    [InlineData(DataType.Uint32, "3,4294967295")]
    [InlineData(DataType.Uint64, "3,7")]
    [InlineData(DataType.Float16, "1,-2")]
    [InlineData(DataType.Bfloat16, "1,-2")]
    public void Reads_elements_from_whichever_field_holds_them(DataType type, string values)
    {
        var expected = values.Split(',').Select(double.Parse).ToArray();
        var tensor = new TensorProto { Name = "t", DataType = (int)type, Dims = { 2 } };
        foreach (var value in expected)
            AddTyped(tensor, type, value);

        var model = OnnxModel.FromProto(WithInitializer(tensor), "m.onnx");

        Assert.Equal(expected.Select(value => (float)value), model.Read(tensor).ToFloats());
    }

    [Fact]
    public void Moves_external_tensors_to_the_new_data_file_and_keeps_their_values()
    {
        var values = Enumerable.Range(0, 1000).Select(i => (float)i).ToArray();
        File.WriteAllBytes(_folder["w.bin"], [.. new byte[12], .. OnnxTensor.Create("w", [1000], values).RawData]);
        SaveExternal("w.bin", 12, 4000);

        var model = OnnxModel.Load(_folder["a.onnx"]);
        Directory.CreateDirectory(_folder["out"]);
        model.Save(_folder["out/model.onnx"]);
        var copy = OnnxModel.Load(_folder["out/model.onnx"]);

        Assert.True(copy.HasExternalData);
        Assert.Equal(values, copy.Read(copy.Graph.Initializer[0]).ToFloats());
        Assert.Equal("model.onnx.data", copy.Graph.Initializer[0].ExternalData[0].Value);
    }

    [Fact]
    public void Writes_a_changed_external_tensor_outside_again()
    {
        File.WriteAllBytes(_folder["w.bin"], new byte[4000]);
        SaveExternal("w.bin", 0, 4000);
        var model = OnnxModel.Load(_folder["a.onnx"]);
        var ones = OnnxTensor.Create("w", [1000], Enumerable.Repeat(1f, 1000).ToArray()).RawData.ToByteArray();
        model.Write(model.Graph.Initializer[0], ones);
        model.Clone().Save(_folder["b.onnx"]);

        var copy = OnnxModel.Load(_folder["b.onnx"]);

        Assert.True(ExternalData.IsExternal(copy.Graph.Initializer[0]));
        Assert.Equal(1000, copy.Read(copy.Graph.Initializer[0]).ToFloats().Sum());
        Assert.Equal(new byte[4000], File.ReadAllBytes(_folder["w.bin"]));
    }

    [Theory]
    [InlineData("../w.bin", 0, 4000, ProblemCode.PathEscapes)]
    [InlineData("/etc/hostname", 0, 4000, ProblemCode.PathEscapes)]
    [InlineData("a\\w.bin", 0, 4000, ProblemCode.PathEscapes)]
    [InlineData("", 0, 4000, ProblemCode.PathEscapes)]
    [InlineData("none.bin", 0, 4000, ProblemCode.ExternalDataInvalid)]
    [InlineData("w.bin", 4, 4000, ProblemCode.ExternalDataInvalid)]
    [InlineData("w.bin", 0, 3999, ProblemCode.ExternalDataInvalid)]
    [InlineData("w.bin", long.MaxValue, 4000, ProblemCode.ExternalDataInvalid)]
    public void Refuses_external_data_that_is_not_there(string location, long offset, long length, ProblemCode code)
    {
        File.WriteAllBytes(_folder["w.bin"], new byte[4000]);
        SaveExternal(location, offset, length);

        var refusal = Assert.Throws<LoraOpsException>(() => OnnxModel.Load(_folder["a.onnx"]));

        Assert.Equal(code, Assert.Single(refusal.Problems).Code);
    }

    [Fact]
    public void Refuses_external_data_behind_a_link()
    {
        File.WriteAllBytes(_folder["w.bin"], new byte[4000]);
        Directory.CreateDirectory(_folder["sub"]);
        File.CreateSymbolicLink(_folder["sub/w.bin"], _folder["w.bin"]);
        SaveExternal("sub/w.bin", 0, 4000);

        var refusal = Assert.Throws<LoraOpsException>(() => OnnxModel.Load(_folder["a.onnx"]));

        Assert.Equal(ProblemCode.PathEscapes, refusal.Problems[0].Code);
    }

    [Theory]
    [InlineData(new long[] { 3 })]
    [InlineData(new long[] { -1 })]
    [InlineData(new long[] { long.MaxValue, 8 })]
    public void Refuses_dimensions_that_do_not_fit_the_bytes(long[] dims)
    {
        var tensor = OnnxTensor.Create("w", [2], [1f, 2f]);
        tensor.Dims.Clear();
        tensor.Dims.Add(dims);
        File.WriteAllBytes(_folder["a.onnx"], WithInitializer(tensor).ToByteArray());

        var refusal = Assert.Throws<LoraOpsException>(() => OnnxModel.Load(_folder["a.onnx"]));

        Assert.Equal(ProblemCode.OnnxTensorInvalid, refusal.Problems[0].Code);
    }

    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 1, 2, 3 })]
    [InlineData(new byte[] { 0x3A, 0xFF, 0xFF, 0xFF, 0x7F })]
    public void Refuses_what_is_no_model(byte[] bytes)
    {
        File.WriteAllBytes(_folder["a.onnx"], bytes);

        Assert.Equal(ProblemCode.NotOnnx, Assert.Throws<LoraOpsException>(() => OnnxModel.Load(_folder["a.onnx"])).Problems[0].Code);
    }

    [Fact]
    public void Survives_every_truncation_of_a_real_model()
    {
        var bytes = File.ReadAllBytes(Fixtures.Path("neck-cnn", "onnx", "torchscript", "model.onnx"));
        for (var length = 0; length < bytes.Length; length += 997)
        {
            File.WriteAllBytes(_folder["a.onnx"], bytes[..length]);
            try
            {
                OnnxModel.Load(_folder["a.onnx"]);
            }
            catch (LoraOpsException)
            {
                // The one exception that bad input may raise.
            }
        }
    }

    private void SaveExternal(string location, long offset, long length)
    {
        var tensor = new TensorProto { Name = "w", DataType = (int)DataType.Float, Dims = { 1000 }, DataLocation = DataLocation.External };
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "location", Value = location });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "offset", Value = $"{offset}" });
        tensor.ExternalData.Add(new StringStringEntryProto { Key = "length", Value = $"{length}" });
        File.WriteAllBytes(_folder["a.onnx"], WithInitializer(tensor).ToByteArray());
    }

    private static ModelProto WithInitializer(TensorProto tensor) => new()
    {
        IrVersion = 8,
        OpsetImport = { new OperatorSetIdProto { Version = 17 } },
        Graph = new GraphProto { Name = "g", Initializer = { tensor }, Node = { new NodeProto { OpType = "Identity", Input = { "w" }, Output = { "y" } } } },
    };

    private static void AddTyped(TensorProto tensor, DataType type, double value)
    {
        switch (type)
        {
            case DataType.Float: tensor.FloatData.Add((float)value); break;
            case DataType.Double: tensor.DoubleData.Add(value); break;
            case DataType.Int64: tensor.Int64Data.Add((long)value); break;
            case DataType.Uint32 or DataType.Uint64: tensor.Uint64Data.Add((ulong)value); break;
            case DataType.Float16: tensor.Int32Data.Add(BitConverter.HalfToUInt16Bits((Half)value)); break;
            case DataType.Bfloat16: tensor.Int32Data.Add((int)(BitConverter.SingleToUInt32Bits((float)value) >> 16)); break;
            default: tensor.Int32Data.Add((int)value); break;
        }
    }
}
