using System.Runtime.InteropServices;
using LoraOps.Problems;
using LoraOps.Readers.Quantised;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;

namespace LoraOps.Tests.Readers.Quantised;

public sealed class LogicalCheckpointTests
{
    private const string Dequantised = "dequantised.";
    private const string Cast = "dequantised_cast.";

    public static TheoryData<string> Accepted => [.. QuantisedCase.All().Where(name => QuantisedCase.Of(name).IsAccepted)];

    public static TheoryData<string> Refused => [.. QuantisedCase.All().Where(name => !QuantisedCase.Of(name).IsAccepted)];

    [Theory]
    [MemberData(nameof(Accepted))]
    public void Gives_the_dequantised_values_bit_for_bit(string name)
    {
        var golden = QuantisedCase.Of(name);
        using var files = Checkpoint.Open(golden.Folder);
        var weights = QuantisedCase.Seen(files);
        using var truth = SafetensorsFile.Open(golden.TruthPath);
        foreach (var wanted in truth.Tensors.Where(tensor => tensor.Name.StartsWith(Dequantised, StringComparison.Ordinal)))
        {
            var weight = weights.Find(wanted.Name[Dequantised.Length..])!;
            Assert.Equal(wanted.Shape, weight.Shape);
            Assert.Equal(wanted.ToBytes(), Bytes(weight.ToFloats()));
            Assert.Equal(Rounded(weight.Type, wanted.ToFloats()), weight.ToBytes());
        }

        foreach (var wanted in truth.Tensors.Where(tensor => tensor.Name.StartsWith(Cast, StringComparison.Ordinal)))
            Assert.Equal(wanted.ToBytes(), Bytes(BackFromBytes(weights.Find(wanted.Name[Cast.Length..])!)));
    }

    [Theory]
    [MemberData(nameof(Accepted))]
    public void Shows_weights_and_none_of_their_parts(string name)
    {
        using var files = Checkpoint.Open(QuantisedCase.Of(name).Folder);
        var weights = QuantisedCase.Seen(files);
        Assert.All(weights.Names, tensor => Assert.True(
            tensor.EndsWith(".weight", StringComparison.Ordinal) || tensor.EndsWith(".bias", StringComparison.Ordinal), tensor));
        Assert.NotEmpty(weights.Dequantised);
        Assert.Equal(weights.Names, weights.TensorsOf(weights.Files.Shards[0]).Select(tensor => tensor.Name));
    }

    [Theory]
    [MemberData(nameof(Accepted))]
    public void Gives_any_range_as_the_whole_has_it(string name)
    {
        using var files = Checkpoint.Open(QuantisedCase.Of(name).Folder);
        var weights = QuantisedCase.Seen(files);
        var random = new Random(7);
        foreach (var weight in weights.Dequantised)
        {
            var (floats, bytes) = (weight.ToFloats(), weight.ToBytes());
            for (var round = 0; round < 40; round++)
            {
                var first = random.Next(floats.Length);
                var part = new float[random.Next(Math.Min(floats.Length - first, 300) + 1)];
                weight.ReadFloats(first, part);
                Assert.Equal(Bytes(floats.AsSpan(first, part.Length)), Bytes(part));

                var offset = random.Next(bytes.Length);
                var piece = new byte[random.Next(Math.Min(bytes.Length - offset, 500) + 1)];
                weight.ReadBytes(offset, piece);
                Assert.Equal(bytes[offset..(offset + piece.Length)], piece);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void Refuses_what_is_not_row_major(string name)
    {
        using var files = Checkpoint.Open(QuantisedCase.Of(name).Folder);
        var error = Assert.Throws<LoraOpsException>(() => QuantisedCase.Seen(files));
        Assert.All(error.Problems, problem => Assert.Equal(ProblemCode.QuantisationUnsupported, problem.Code));
        Assert.Contains("weight_format", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("int8", ElementType.F16)]
    [InlineData("awq", ElementType.F16)]
    [InlineData("gptq-v2", ElementType.F16)]
    [InlineData("nf4-storage-bf16", ElementType.BF16)]
    [InlineData("fp4", ElementType.F32)]
    public void Has_the_type_that_was_recorded_or_that_its_layer_has(string name, ElementType type)
    {
        using var files = Checkpoint.Open(QuantisedCase.Of(name).Folder);
        var weights = QuantisedCase.Seen(files);
        Assert.All(weights.Dequantised, weight => Assert.Equal(type, weight.Type));
    }

    private static float[] BackFromBytes(Tensor tensor)
    {
        var values = new float[tensor.Shape.ElementCount];
        ElementCodec.Decode(tensor.Type, tensor.ToBytes(), values);
        return values;
    }

    private static byte[] Rounded(ElementType type, float[] values)
    {
        var bytes = new byte[values.Length * type.Bits() / 8];
        ElementCodec.Encode(type, values, bytes);
        return bytes;
    }

    private static byte[] Bytes(ReadOnlySpan<float> values) => MemoryMarshal.AsBytes(values).ToArray();
}
