using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Readers.Peft;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Tests.Deltas;

/// <summary>Deltas against the textbook formulae in float64, element by element.</summary>
public sealed class DeltaOracleTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_linear_delta_is_its_formula(bool dora) => Check(new TinyAdapter().Linear("m", 7, 5, dora: dora));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_embeddings_delta_is_its_formula(bool dora) => Check(new TinyAdapter().Embedding("m", 9, 6, dora: dora));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_convolutions_delta_is_its_formula(bool dora) => Check(new TinyAdapter().Convolution("m", 3, 4, [2, 3], dora: dora));

    private static void Check(TinyAdapter maker)
    {
        using var folder = new TemporaryFolder();
        var delta = PeftReader.Read(maker.WriteTo(folder["a"])).Modules[0].Delta;
        var random = new Random(3);
        var weight = Enumerable.Range(0, (int)delta.WeightShape!.ElementCount).Select(_ => random.NextSingle() - 0.5f).ToArray();
        var sum = new float[weight.Length];

        delta.AddTo(sum, TargetWeight.Of(delta.WeightShape!, weight), 0.5f);

        var expected = Expected(delta, weight);
        for (var index = 0; index < sum.Length; index++)
            Assert.Equal(0.5 * expected[index], sum[index], 1e-6);
    }

    private static double[] Expected(Delta delta, float[] weight)
    {
        var plain = delta as LoraDelta ?? ((DoraDelta)delta).Factors;
        var (a, b, rows) = (plain.A.ToFloats(), plain.B.ToFloats(), (int)plain.WeightShape[0]);
        var (columns, rank) = (weight.Length / rows, plain.Rank);
        var result = new double[weight.Length];
        for (var index = 0; index < weight.Length; index++)
        {
            var (row, column) = (index / columns, index % columns);
            for (var k = 0; k < rank; k++)
            {
                result[index] += plain.Scale * (plain.Layer == LayerKind.Embedding
                    ? (double)b[(column * rank) + k] * a[(k * rows) + row]
                    : (double)b[(row * rank) + k] * a[(k * columns) + column]);
            }
        }

        return delta is DoraDelta dora ? Rescaled(dora, weight, result, columns) : result;
    }

    private static double[] Rescaled(DoraDelta dora, float[] weight, double[] delta, int columns)
    {
        var magnitude = dora.Magnitude.ToFloats();
        int Output(int index) => dora.Layer == LayerKind.Embedding ? index % columns : index / columns;
        var squares = new double[magnitude.Length];
        for (var index = 0; index < weight.Length; index++)
            squares[Output(index)] += Math.Pow(weight[index] + delta[index], 2);

        return [.. delta.Select((change, index) =>
            (magnitude[Output(index)] / Math.Sqrt(squares[Output(index)]) * (weight[index] + change)) - weight[index])];
    }
}
