using LoraOps.Onnx.Chips;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Tests.Chips;

public sealed class IrVersionsTests
{
    [Theory]
    [InlineData(17, 10, 9, 9)]
    [InlineData(17, 8, 9, 8)]
    [InlineData(20, 10, 9, 9)]
    [InlineData(21, 10, 9, 10)]
    [InlineData(21, 11, 10, 10)]
    [InlineData(17, 10, 7, 10)]
    public void Lowers_the_version_to_what_is_read_if_the_opset_needs_no_newer_one(long opset, long version, long most, long expected)
    {
        var model = new TinyGraph(opset).Build();
        model.Proto.IrVersion = version;
        IrVersions.Lower(model, most);

        Assert.Equal(expected, model.Proto.IrVersion);
    }

    [Fact]
    public void Leaves_the_version_that_four_bits_need()
    {
        var model = new TinyGraph(17).Codes("w", DataType.Int4, [2], (byte)0).Build();
        model.Proto.IrVersion = 10;
        IrVersions.Lower(model, 9);

        Assert.Equal(10, model.Proto.IrVersion);
    }
}
