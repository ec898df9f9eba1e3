using LoraOps.Tensors;

namespace LoraOps.Tests.Tensors;

public sealed class TensorShapeTests
{
    [Fact]
    public void Counts_elements_and_rows()
    {
        var shape = new TensorShape(4, 3, 2);
        Assert.Equal((3, 24, 6, 4, 2), (shape.Rank, shape.ElementCount, shape.RowLength, shape[0], shape[-1]));
        Assert.Equal("[4, 3, 2]", shape.ToString());
    }

    [Fact]
    public void Takes_a_scalar_for_one_element()
    {
        var scalar = new TensorShape();
        Assert.Equal((0, 1, 1, "[]"), (scalar.Rank, scalar.ElementCount, scalar.RowLength, scalar.ToString()));
    }

    [Fact]
    public void Takes_a_zero_for_no_elements_however_large_the_others_are()
    {
        var empty = new TensorShape(0, long.MaxValue, 3);
        Assert.Equal((0, 1), (empty.ElementCount, empty.RowLength));
    }

    [Theory]
    [InlineData(new long[] { -1 }, false)]
    [InlineData(new long[] { 0, -1 }, false)]
    [InlineData(new[] { long.MaxValue, 2 }, false)]
    [InlineData(new[] { long.MaxValue, 1 }, true)]
    [InlineData(new long[] { 3_037_000_500, 3_037_000_500 }, false)]
    public void Checks_the_product_of_its_dimensions(long[] dims, bool fits)
    {
        Assert.Equal(fits, TensorShape.TryCount(dims, out _));
        if (!fits)
            Assert.Throws<ArgumentException>(() => new TensorShape(dims));
    }

    [Fact]
    public void Equals_a_shape_of_the_same_dimensions()
    {
        Assert.Equal(new TensorShape(2, 3), new TensorShape(2, 3));
        Assert.Equal(new TensorShape(2, 3).GetHashCode(), new TensorShape(2, 3).GetHashCode());
        Assert.NotEqual(new TensorShape(2, 3), new TensorShape(3, 2));
        Assert.False(new TensorShape(2).Equals("[2]"));
    }
}
