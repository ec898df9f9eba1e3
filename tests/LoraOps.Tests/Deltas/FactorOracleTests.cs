using System.Numerics;
using LoraOps.Tensors;

namespace LoraOps.Tests.Deltas;

/// <summary>Methods of few trained numbers against their formulae in float64, on odd sizes; a row is the same bits in any block.</summary>
public sealed class FactorOracleTests
{
    private const int Out = 7;
    private const int In = 5;
    private static readonly TensorShape Shape = new(Out, In);

    [Fact]
    public void Loha()
    {
        var made = new FactorCase("LOHA", ("r", "3"), ("alpha", "5"), ("alpha_pattern", "{\"m\": 2}"))
            .With("hada_w1_a", Out, 3).With("hada_w1_b", 3, In).With("hada_w2_a", Out, 3).With("hada_w2_b", 3, In);
        made.Check(Shape, (i, j, _) =>
            2.0 / 3 * Product(made, "hada_w1_a", "hada_w1_b", (i, j), (3, In)) * Product(made, "hada_w2_a", "hada_w2_b", (i, j), (3, In)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Lokr(bool isWhole)
    {
        var made = new FactorCase("LOKR", ("r", "2"), ("alpha", "3")).With("lokr_w1_a", 2, 2).With("lokr_w1_b", 2, 3);
        made = isWhole ? made.With("lokr_w2", 5, 4) : made.With("lokr_w2_a", 5, 2).With("lokr_w2_b", 2, 4);
        made.Check(new TensorShape(10, 12), (i, j, _) => 1.5 * Product(made, "lokr_w1_a", "lokr_w1_b", (i / 5, j / 4), (2, 3)) *
            (isWhole ? made["lokr_w2"][(i % 5 * 4) + (j % 4)] : Product(made, "lokr_w2_a", "lokr_w2_b", (i % 5, j % 4), (2, 4))));
    }

    [Fact]
    public void Lokr_in_Tucker_form_with_a_rank_of_two()
    {
        var made = new FactorCase("LOKR", ("r", "2"), ("alpha", "2"))
            .With("lokr_w1", 2, 1).With("lokr_t2", 2, 2, 3, 1).With("lokr_w2_a", 2, 3).With("lokr_w2_b", 2, 4);
        made.Check(new TensorShape(6, 4, 3), (o, at, _) =>
        {
            var (p, q, k, sum) = (o % 3, at / 3, at % 3, 0.0);
            for (var i = 0; i < 2; i++)
            {
                for (var j = 0; j < 2; j++)
                    sum += made["lokr_t2"][(((i * 2) + j) * 3) + k] * made["lokr_w2_a"][(i * 3) + p] * made["lokr_w2_b"][(j * 4) + q];
            }

            return made["lokr_w1"][o / 3] * sum;
        });
    }

    [Theory]
    [InlineData(Out, 1)]
    [InlineData(1, In)]
    public void Ia3(int outputs, int inputs)
    {
        var made = new FactorCase("IA3").With("ia3_l", outputs, inputs);
        made.Check(Shape, (i, j, w) => w * (made["ia3_l"][outputs > 1 ? i : j] - 1));
        Assert.Equal(outputs > 1, made.Read().Any(delta => delta is { Parameter: "bias", IsOptional: true }));
    }

    [Theory]
    [InlineData("[\"xm\"]", false)]
    [InlineData("[\"m\"]", true)]
    [InlineData("\"m|n\"", true)]
    [InlineData("\"n\"", false)]
    public void Ia3_of_a_square_kernel_asks_the_config(string named, bool scalesInputs)
    {
        var made = new FactorCase("IA3", ("feedforward_modules", named)).With("ia3_l", 1, 3, 1, 1);
        made.Check(new TensorShape(3, 3, 2, 2), (i, j, w) => w * (made["ia3_l"][scalesInputs ? j / 4 : i] - 1));
    }

    [Fact]
    public void Vera_takes_the_upper_left_of_larger_matrices()
    {
        var made = new FactorCase("VERA", ("r", "4"), ("save_projection", "true"))
            .With("vera_lambda_b", Out).With("vera_lambda_d", 4).With("base_model.vera_A", 4, 9).With("base_model.vera_B", 8, 4);
        made.Check(Shape, (i, j, _) => Enumerable.Range(0, 4).Sum(r =>
            made["vera_lambda_b"][i] * made["base_model.vera_B"][(i * 4) + r] * made["vera_lambda_d"][r] * made["base_model.vera_A"][(r * 9) + j]));
    }

    [Theory]
    [InlineData(ElementType.F32)]
    [InlineData(ElementType.BF16)]
    public void Vera_draws_what_was_not_saved_in_the_bases_type(ElementType type)
    {
        var made = new FactorCase("VERA", ("r", "4"), ("save_projection", "false"), ("projection_prng_key", "9"))
            .With("vera_lambda_b", Out).With("vera_lambda_d", 4);
        var generator = new TorchGenerator(9);
        var (a, b) = (Drawn(generator, 4, In, type), Drawn(generator, Out, 4, type));
        made.Check(
            Shape, (i, j, _) => Enumerable.Range(0, 4).Sum(r => made["vera_lambda_b"][i] * b[(i * 4) + r] * made["vera_lambda_d"][r] * a[(r * In) + j]), type);
    }

    [Theory]
    [InlineData(Out, In)]
    [InlineData(In, Out)]
    [InlineData(6, 6)]
    public void RandLora(int outputs, int inputs)
    {
        var side = Math.Min(outputs, inputs);
        var n = (side + 1) / 2;
        var made = new FactorCase("RANDLORA", ("r", "2"), ("randlora_alpha", "3"))
            .With("randlora_lambda", 2, n).With("randlora_gamma", n, side)
            .With("base_model.randlora_A", 2, 1, 8).With("base_model.randlora_B", 9, 4, 2);
        made.Check(new TensorShape(outputs, inputs), (i, j, _) =>
        {
            var (large, small) = inputs == side ? (i, j) : (j, i);
            return 1.5 * Enumerable.Range(0, 2 * n).Sum(k => made["base_model.randlora_B"][(large * 8) + k] * made["randlora_lambda"][k] *
                made["base_model.randlora_A"][(k / n * 8) + small] * made["randlora_gamma"][(k % n * side) + small]);
        });
    }

    [Fact]
    public void C3a()
    {
        var made = new FactorCase("C3A", ("block_size", "3")).With("c3a_kernel", 2, 3, 3);
        made.Check(new TensorShape(6, 9), (i, j, _) => made["c3a_kernel"][(((i / 3 * 3) + (j / 3)) * 3) + (((j % 3) - (i % 3) + 3) % 3)] / 9);
    }

    [Fact]
    public void Delora_takes_no_norm_below_its_floor()
    {
        var made = new FactorCase("DELORA", ("r", "2"))
            .With("delora_A", [.. Enumerable.Range(0, 2 * In).Select(index => index < In ? 1e-6f : index)], 2, In)
            .With("delora_B", Out, 2).With("delora_lambda", [3f], 1).With("delora_w_norm", In);
        made.Check(Shape, (i, j, _) => Enumerable.Range(0, 2).Sum(r =>
        {
            var a = Math.Max(1e-4, Math.Sqrt(Enumerable.Range(0, In).Sum(k => Math.Pow(made["delora_A"][(r * In) + k], 2))));
            var b = Math.Max(1e-4, Math.Sqrt(Enumerable.Range(0, Out).Sum(k => Math.Pow(made["delora_B"][(k * 2) + r], 2))));
            return made["delora_B"][(i * 2) + r] * 1.5 / (a * b) * made["delora_A"][(r * In) + j] * made["delora_w_norm"][j];
        }));
    }

    [Fact]
    public void Gralora()
    {
        var made = new FactorCase("GRALORA", ("r", "6"), ("alpha", "4"), ("hybrid_r", "2"))
            .With("gralora_A", 3, 5, 6).With("gralora_B", 3, 6, 2).With("gralora_A_general.weight", 2, 15).With("gralora_B_general.weight", 6, 2);
        made.Check(new TensorShape(6, 15), (row, column, _) =>
        {
            var (j, o, n, i) = (row / 2, row % 2, column / 5, column % 5);
            return 0.5 * (Product(made, "gralora_B_general.weight", "gralora_A_general.weight", (row, column), (2, 15)) + Enumerable.Range(0, 2).Sum(t =>
                made["gralora_A"][(((n * 5) + i) * 6) + (j * 2) + t] * made["gralora_B"][(((j * 6) + (n * 2) + t) * 2) + o]));
        });
    }

    [Theory]
    [InlineData("hira_A", "hira_B", false)]
    [InlineData("hira_embedding_A", "hira_embedding_B", true)]
    public void Hira(string a, string b, bool embeds)
    {
        var made = new FactorCase("HIRA", ("r", "3")).With(a, 3, embeds ? Out : In).With(b, embeds ? In : Out, 3);
        made.Check(Shape, (i, j, w) => w * (embeds ? Product(made, b, a, (j, i), (3, Out)) : Product(made, b, a, (i, j), (3, In))));
    }

    [Theory]
    [InlineData("vector")]
    [InlineData("constant")]
    public void Glora_scales_and_shifts_weight_and_bias(string form)
    {
        var isVector = form == "vector";
        var made = new FactorCase("GLORA", ("config_A_B", $"\"{form}\""), ("config_C", "\"vector\""), ("config_D_E", $"\"{form}\""));
        foreach (var path in (string[])["A", "B"])
            made.With($"glora_{path}.X", isVector ? new long[] { Out, 1 } : [1]);

        made.With("glora_C.X", In, 1).With("glora_D.X", isVector ? Out : 1).With("glora_E.X", isVector ? Out : 1);
        made.Check(Shape, (i, j, w) => (w * made["glora_A.X"][isVector ? i : 0]) + made["glora_B.X"][isVector ? i : 0]);

        float[] bias = [.. Enumerable.Range(0, Out).Select(index => index - 2.5f)];
        float[] weight = [.. Enumerable.Range(0, Out * In).Select(index => index % 8 / 8f)];
        var change = made.BiasChange(bias, Shape, weight);
        for (var i = 0; i < Out; i++)
        {
            var pooled = Enumerable.Range(0, In).Sum(j => weight[(i * In) + j] * made["glora_C.X"][j]);
            Assert.Equal((bias[i] * made["glora_D.X"][isVector ? i : 0]) + made["glora_E.X"][isVector ? i : 0] + pooled, change[i], 1e-6);
        }
    }

    [Fact]
    public void Shira_sums_what_names_one_place()
    {
        var made = new FactorCase("SHIRA").With("shira_weight", 4).With("shira_indices", [6, 0, 6, 3, 4, 0, 4, 1], 2, 4);
        var w = made["shira_weight"];
        made.Check(Shape, (i, j, _) => (i, j) switch { (6, 4) => w[0] + w[2], (0, 0) => w[1], (3, 1) => w[3], _ => 0 });
    }

    [Fact]
    public void FourierFt()
    {
        var made = new FactorCase("FOURIERFT", ("scaling", "100"), ("random_loc_seed", "5"), ("n_frequency", "6")).With("fourierft_spectrum", 6);
        var places = new TorchGenerator(5).Permutation(Out * In, 6);
        made.Check(Shape, (o, i, _) => 100.0 / (Out * In) * places.Select((place, index) => made["fourierft_spectrum"][index] *
            Complex.FromPolarCoordinates(1, 2 * Math.PI * (((double)(place / In) * o / Out) + ((double)(place % In) * i / In))).Real).Sum());
    }

    // The inverse of an orthogonal transform is its transpose: the sum of squares stays, but for what the padding cuts off.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WaveFt(bool isTransformed)
    {
        var made = new FactorCase("WAVEFT", ("scaling", "3"), ("random_loc_seed", "5"), ("n_frequency", "9"), ("use_idwt", isTransformed ? "true" : "false"))
            .With("waveft_spectrum", 9);
        var dense = new double[8, 6];
        var places = new TorchGenerator(5).Permutation(Out * In, 9);
        for (var index = 0; index < 9; index++)
            dense[places[index] / In, places[index] % In] = 3 * made["waveft_spectrum"][index];

        made.Check(Shape, (i, j, _) => isTransformed
            ? (dense[i / 2, j / 2] + (Sign(i) * dense[i / 2, 3 + (j / 2)]) + (Sign(j) * dense[4 + (i / 2), j / 2]) +
                (Sign(i) * Sign(j) * dense[4 + (i / 2), 3 + (j / 2)])) / 2
            : dense[i, j]);
    }

    private static int Sign(int place) => place % 2 == 0 ? 1 : -1;

    private static float[] Drawn(TorchGenerator generator, int rows, int columns, ElementType type)
    {
        var bound = (float)(Math.Sqrt(6) / Math.Sqrt(columns));
        var values = new float[rows * columns];
        generator.Fill(values, -bound, bound);
        return BufferTensor.FromFloats("drawn", type, new TensorShape(rows, columns), values).ToFloats();
    }

    private static double Product(FactorCase made, string left, string right, (int Row, int Column) at, (int Rank, int Columns) size) =>
        Enumerable.Range(0, size.Rank).Sum(k => made[left][(at.Row * size.Rank) + k] * made[right][(k * size.Columns) + at.Column]);
}
