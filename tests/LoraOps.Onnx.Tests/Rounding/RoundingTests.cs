using LoraOps.Onnx.Quantizing;
using LoraOps.Onnx.Rounding;

namespace LoraOps.Onnx.Tests.Rounding;

public sealed class RoundingTests
{
    private static readonly CodeRange Int4 = new(-8, 7);

    public static TheoryData<int, int, int, int, bool> Problems()
    {
        var data = new TheoryData<int, int, int, int, bool>();
        for (var seed = 0; seed < 12; seed++)
            data.Add(seed, 1 + (seed % 5), 3 + (seed * 3), seed % 3 == 0 ? 16 : int.MaxValue, seed % 2 == 0);

        return data;
    }

    [Theory]
    [MemberData(nameof(Problems))]
    public void The_error_is_that_of_the_outputs(int seed, int rows, int columns, int block, bool isInt4)
    {
        var problem = Make(seed, rows, columns, block, isInt4);

        var codes = problem.Layer.Nearest();

        var truth = problem.Error(codes);
        Assert.InRange(problem.Moment.Error(problem.Layer, codes), truth * (1 - 1e-9), truth * (1 + 1e-9));
    }

    [Theory]
    [MemberData(nameof(Problems))]
    public void No_row_is_worse_than_by_rounding_to_the_nearest(int seed, int rows, int columns, int block, bool isInt4)
    {
        var problem = Make(seed, rows, columns, block, isInt4);
        var nearest = problem.Layer.Nearest();
        var (gptq, adaptive) = (GptqRounding.Round(problem.Layer, problem.Moment, default), AdaptiveRounding.Round(problem.Layer, problem.Moment, default));
        foreach (var chosen in new[] { gptq, adaptive })
        {
            for (var row = 0; row < rows; row++)
            {
                var (now, before) = (problem.Error(row, chosen.AsSpan(row * columns, columns)), problem.Error(row, nearest.AsSpan(row * columns, columns)));
                Assert.InRange(now, 0, before * (1 + 1e-9));
            }

            Assert.All(chosen, code => Assert.InRange(code, problem.Layer.Codes.Low, problem.Layer.Codes.High));
        }
    }

    [Fact]
    public void Correlated_inputs_let_errors_cancel_out()
    {
        var problem = new Problem(5, 8, 48);

        var nearest = problem.Error(problem.Layer.Nearest());

        Assert.InRange(problem.Error(GptqRounding.Round(problem.Layer, problem.Moment, default)), 0, nearest / 2);
        Assert.InRange(problem.Error(AdaptiveRounding.Round(problem.Layer, problem.Moment, default)), 0, nearest / 2);
    }

    [Theory]
    [MemberData(nameof(Problems))]
    public void Adaptive_rounding_takes_one_of_the_two_codes_beside_a_weight(int seed, int rows, int columns, int block, bool isInt4)
    {
        var layer = Make(seed, rows, columns, block, isInt4).Layer;

        var codes = AdaptiveRounding.Round(layer, Make(seed, rows, columns, block, isInt4).Moment, default);

        for (var i = 0; i < codes.Length; i++)
        {
            var exact = layer.Values[i] / (double)layer.Scale(i / columns, i % columns);
            Assert.InRange(codes[i], Math.Floor(exact - 1e-5), Math.Ceiling(exact + 1e-5));
        }
    }

    [Fact]
    public void Adaptive_rounding_is_near_the_best_of_all_choices()
    {
        var (excess, loss) = (0.0, 0.0);
        for (var seed = 20; seed < 40; seed++)
        {
            var problem = new Problem(seed, 1, 10);
            var (best, columns) = (double.PositiveInfinity, problem.Layer.Columns);
            int[] below = [.. problem.Layer.Values.Select((value, i) => (int)Math.Floor(value / problem.Layer.Scale(0, i)))];
            for (var choice = 0; choice < 1 << columns; choice++)
            {
                int[] codes = [.. below.Select((code, i) => Math.Clamp(code + ((choice >> i) & 1), -127, 127))];
                best = Math.Min(best, problem.Moment.Error(problem.Layer, 0, codes));
            }

            var chosen = problem.Error(AdaptiveRounding.Round(problem.Layer, problem.Moment, default));
            var nearest = problem.Error(problem.Layer.Nearest());
            Assert.InRange(chosen, best * (1 - 1e-6), nearest);
            (excess, loss) = (excess + ((chosen - best) / best), loss + ((nearest - best) / best));
        }

        // Rounding to the nearest is several times as bad as the best choice; what is left of that is little.
        Assert.InRange(loss / 20, 1, double.PositiveInfinity);
        Assert.InRange(excess / loss, 0, 0.15);
    }

    [Fact]
    public void Without_correlation_gptq_is_the_nearest_codes()
    {
        var problem = new Problem(1, 6, 32);
        var identity = new double[32 * 32];
        for (var i = 0; i < 32; i++)
            identity[i * 33] = 7;

        Assert.Equal(problem.Layer.Nearest(), GptqRounding.Round(problem.Layer, new SecondMoment([identity], 32), default));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Gptq_is_what_the_paper_writes_column_by_column(int seed)
    {
        var problem = new Problem(seed, 4, 24);

        var codes = GptqRounding.Round(problem.Layer, problem.Moment, default);

        for (var row = 0; row < 4; row++)
        {
            var expected = Textbook(problem, row);
            var nearest = problem.Layer.Nearest().AsSpan(row * 24, 24);
            var wanted = problem.Error(row, expected) < problem.Error(row, nearest) ? expected : nearest.ToArray();
            Assert.Equal(wanted, codes.AsSpan(row * 24, 24).ToArray());
        }
    }

    [Fact]
    public void Inputs_that_are_always_zero_do_no_harm()
    {
        var layer = new Problem(9, 3, 16).Layer;
        var silent = new SecondMoment([new double[256]], 16);

        Assert.Equal(layer.Nearest(), GptqRounding.Round(layer, silent, default));
        Assert.Equal(layer.Nearest(), AdaptiveRounding.Round(layer, silent, default));
    }

    [Fact]
    public void The_same_problem_gives_the_same_codes_on_busy_cores()
    {
        var problem = new Problem(11, 24, 64);
        var (gptq, adaptive) = (GptqRounding.Round(problem.Layer, problem.Moment, default), AdaptiveRounding.Round(problem.Layer, problem.Moment, default));

        var others = Enumerable.Range(0, 8).AsParallel().WithDegreeOfParallelism(8).Select(_ =>
            (GptqRounding.Round(problem.Layer, problem.Moment, default), AdaptiveRounding.Round(problem.Layer, problem.Moment, default))).ToList();

        Assert.All(others, other => Assert.Equal(gptq, other.Item1));
        Assert.All(others, other => Assert.Equal(adaptive, other.Item2));
    }

    [Fact]
    public void Zero_points_are_kept()
    {
        var values = new float[] { 0, 1, 2, 3, 4, 5, 6, 7 };
        var layer = new RoundingLayer(values, 1, [0.5f], 8, new CodeRange(0, 15)) { ZeroPoints = [1] };

        Assert.Equal([1, 3, 5, 7, 9, 11, 13, 15], layer.Nearest());
        Assert.Equal(3.0, layer.Real(0, 3, 7));
    }

    private static Problem Make(int seed, int rows, int columns, int block, bool isInt4) =>
        new(seed, rows, columns, block, isInt4 ? Int4 : CodeRange.Int8Symmetric);

    // The inverse is updated by eliminating the column that was rounded, as in the paper's derivation; no Cholesky factor.
    private static int[] Textbook(Problem problem, int row)
    {
        var size = problem.Layer.Columns;
        var damped = problem.Moment.Matrix(0).Select(value => 2 * value).ToArray();
        var added = 0.01 * Enumerable.Range(0, size).Sum(i => damped[i * (size + 1)]) / size;
        for (var i = 0; i < size; i++)
            damped[i * (size + 1)] += added;

        var inverse = Inverse(damped, size);
        double[] weights = [.. problem.Layer.Row(row).ToArray().Select(value => (double)value)];
        var codes = new int[size];
        for (var q = 0; q < size; q++)
        {
            codes[q] = problem.Layer.Nearest(row, q, weights[q]);
            var error = (weights[q] - problem.Layer.Real(row, q, codes[q])) / inverse[q * (size + 1)];
            for (var j = q + 1; j < size; j++)
                weights[j] -= error * inverse[(q * size) + j];

            var old = (double[])inverse.Clone();
            for (var i = 0; i < inverse.Length; i++)
                inverse[i] -= old[(i / size * size) + q] * old[(q * size) + (i % size)] / old[q * (size + 1)];
        }

        return codes;
    }

    private static double[] Inverse(double[] matrix, int size)
    {
        var (left, right) = ((double[])matrix.Clone(), new double[matrix.Length]);
        for (var i = 0; i < size; i++)
            right[i * (size + 1)] = 1;

        for (var pivot = 0; pivot < size; pivot++)
        {
            var by = left[pivot * (size + 1)];
            for (var j = 0; j < size; j++)
            {
                left[(pivot * size) + j] /= by;
                right[(pivot * size) + j] /= by;
            }

            for (var i = 0; i < size; i++)
            {
                var factor = i == pivot ? 0 : left[(i * size) + pivot];
                for (var j = 0; j < size; j++)
                {
                    left[(i * size) + j] -= factor * left[(pivot * size) + j];
                    right[(i * size) + j] -= factor * right[(pivot * size) + j];
                }
            }
        }

        return right;
    }
}
