using System.Globalization;
using System.Text;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Runtime.Calibrating;
using LoraOps.Testing;

namespace LoraOps.Runtime.Tests.Calibrating;

public sealed class RangeFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_back_and_written_again_as_it_was()
    {
        var random = new Random(1);
        var file = Some([.. Enumerable.Range(0, 200).Select(i =>
        {
            var (a, b) = (Finite(random), Finite(random));
            var range = new TensorRange(Math.Min(a, b), Math.Max(a, b));
            return new StoredRange($"tensor \"{i}\" é\n", new string('a', 64), range, range);
        })]);
        file.Save(_folder["a.json"]);

        var read = RangeFile.Load(_folder["a.json"]);
        read.Save(_folder["b.json"]);

        Assert.Equal(file.Tensors, read.Tensors);
        Assert.Equal((file.Model, file.Data, file.Samples, file.Settings), (read.Model, read.Data, read.Samples, read.Settings));
        Assert.Equal(File.ReadAllBytes(_folder["a.json"]), File.ReadAllBytes(_folder["b.json"]));
        Assert.True(RangeFile.IsFile(_folder["a.json"]));
    }

    [Theory]
    [InlineData("", ProblemCode.RangesUnreadable)]
    [InlineData("[]", ProblemCode.RangesUnreadable)]
    [InlineData("{\"format\": \"other\"}", ProblemCode.RangesUnreadable)]
    [InlineData("{\"format\": \"loraops-ranges\", \"format\": \"loraops-ranges\"}", ProblemCode.RangesUnreadable)]
    [InlineData("{\"format\": \"loraops-ranges\"}", ProblemCode.RangesInvalid)]
    [InlineData("{\"format\": \"loraops-ranges\", \"version\": 2}", ProblemCode.RangesInvalid)]
    public void What_is_no_file_of_ranges_is_refused(string text, ProblemCode code)
    {
        File.WriteAllText(_folder["a.json"], text);

        var error = Assert.Throws<LoraOpsException>(() => RangeFile.Load(_folder["a.json"]));

        Assert.Equal(code, Assert.Single(error.Problems).Code);
    }

    [Theory]
    [InlineData("\"samples\": 5", "\"samples\": 0", "samples")]
    [InlineData("\"samples\": 5", "\"samples\": 5.5", "samples")]
    [InlineData("\"samples\": 5", "\"samples\": \"5\"", "samples")]
    [InlineData("\"bins\": 2048", "\"bins\": 2000000000", "bins")]
    [InlineData("\"calibrator\": \"minmax\"", "\"calibrator\": \"best\"", "calibrator")]
    [InlineData("\"movingAverage\": 0,", "\"movingAverage\": 3,", "calibrator")]
    [InlineData("\"percentile\": 99.999", "\"percentile\": 1e999", "percentile")]
    [InlineData("\"symmetric\": false", "\"symmetric\": 0", "symmetric")]
    [InlineData("\"symmetric\": false", "\"symmetric\": false, \"extra\": 1", "extra")]
    [InlineData("\"min\": -1", "\"min\": 3", "tensors[0].min")]
    [InlineData("\"min\": -1", "\"min\": -1e39", "tensors[0].min")]
    [InlineData("\"min\": -1", "\"min\": null", "tensors[0].min")]
    [InlineData("\"min\": -1", "\"least\": -1", "tensors[0].min")]
    [InlineData("\"name\": \"t\"", "\"name\": \"\"", "tensors[0].name")]
    [InlineData("\"identity\": \"b", "\"identity\": \"G", "tensors[0].identity")]
    [InlineData("\"data\": \"d", "\"data\": \"", "data")]
    public void Every_field_is_checked(string from, string to, string field)
    {
        Some([new StoredRange("t", new string('b', 64), new TensorRange(-1, 2), new TensorRange(-1, 2))]).Save(_folder["a.json"]);
        var text = File.ReadAllText(_folder["a.json"]);
        Assert.Contains(from, text, StringComparison.Ordinal);
        File.WriteAllText(_folder["a.json"], text.Replace(from, to, StringComparison.Ordinal));

        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => RangeFile.Load(_folder["a.json"])).Problems);

        Assert.Equal(ProblemCode.RangesInvalid, problem.Code);
        Assert.StartsWith(field + " ", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tensor_that_is_there_twice_is_refused()
    {
        var tensor = new StoredRange("t", new string('b', 64), new TensorRange(-1, 2), new TensorRange(-1, 2));
        Some([tensor, tensor]).Save(_folder["a.json"]);

        Assert.Equal(ProblemCode.RangesInvalid, Assert.Single(Assert.Throws<LoraOpsException>(() => RangeFile.Load(_folder["a.json"])).Problems).Code);
    }

    [Fact]
    public void Damaged_files_are_refused_and_nothing_else_happens()
    {
        Some([.. Enumerable.Range(0, 3).Select(i => new StoredRange($"t{i}", new string('c', 64), new TensorRange(-i, i), new TensorRange(-i, i)))])
            .Save(_folder["a.json"]);
        var whole = File.ReadAllBytes(_folder["a.json"]);
        var random = new Random(5);
        var refused = 0;
        for (var round = 0; round < 400; round++)
        {
            var bytes = whole.ToArray();
            for (var change = 0; change <= random.Next(3); change++)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);

            File.WriteAllBytes(_folder["b.json"], random.Next(4) == 0 ? bytes[..random.Next(bytes.Length)] : bytes);
            try
            {
                RangeFile.Load(_folder["b.json"]);
            }
            catch (LoraOpsException error)
            {
                refused++;
                Assert.All(error.Problems, problem => Assert.True(problem.Code is ProblemCode.RangesUnreadable or ProblemCode.RangesInvalid));
            }
        }

        Assert.InRange(refused, 200, 400);
    }

    [Fact]
    public void Numbers_are_written_alike_everywhere()
    {
        var before = CultureInfo.CurrentCulture;
        var file = Some([new StoredRange("t", new string('b', 64), new TensorRange(-0.1f, 1e-30f), new TensorRange(-0.1f, 3.4e38f))]);
        file.Save(_folder["a.json"]);
        var german = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        german.NumberFormat.NumberDecimalSeparator = ",";
        CultureInfo.CurrentCulture = german;
        try
        {
            file.Save(_folder["b.json"]);
            Assert.Equal(file.Tensors, RangeFile.Load(_folder["b.json"]).Tensors);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }

        Assert.Equal(File.ReadAllText(_folder["a.json"], Encoding.UTF8), File.ReadAllText(_folder["b.json"], Encoding.UTF8));
    }

    private static RangeFile Some(IReadOnlyList<StoredRange> tensors) => new()
    {
        Model = new string('e', 64),
        Data = new string('d', 64),
        Samples = 5,
        Settings = new CalibrationSettings(),
        Tensors = tensors,
    };

    private static float Finite(Random random)
    {
        var value = BitConverter.Int32BitsToSingle(random.Next());
        return float.IsFinite(value) ? value * (random.Next(2) == 0 ? -1 : 1) : 1;
    }
}
