using LoraOps.Tensors.Kernels;

namespace LoraOps.Tests.Tensors.Kernels;

public sealed class TranspositionTests
{
    [Theory]
    [InlineData(1, 7)]
    [InlineData(32, 32)]
    [InlineData(33, 70)]
    public void Swaps_rows_and_columns(int rows, int columns)
    {
        var source = Enumerable.Range(0, rows * columns).Select(value => (float)value).ToArray();
        var result = new float[source.Length];

        Transposition.Transpose(source, rows, columns, result);

        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
                Assert.Equal(source[(row * columns) + column], result[(column * rows) + row]);
        }
    }

    [Fact]
    public void Refuses_other_lengths() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Transposition.Transpose(new float[5], 2, 3, new float[6]));
}
