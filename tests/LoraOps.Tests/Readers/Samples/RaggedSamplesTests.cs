using System.Runtime.InteropServices;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Testing;

namespace LoraOps.Tests.Readers.Samples;

public sealed class RaggedSamplesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_folder_for_each_array_holds_samples_of_different_lengths()
    {
        Tokens("ids", "0", 1, 1, 2, 3);
        Tokens("ids", "1", 2, 4, 5, 6, 7, 8, 9);
        Tokens("ids", "2", 1, 10, 11);
        Npy.Write(_folder["weight.npy"], "<i8", "(4,)", Bytes(20, 21, 22, 23));

        var samples = SampleSet.Open(_folder.Path);

        Assert.True(samples.IsRagged);
        Assert.Equal(4, samples.Count);
        Assert.Equal([3, 1], samples.Groups.Select(group => group.Count));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9], samples.Groups[0].Find("ids")!.ToFloats());
        Assert.Equal([10, 11], samples.Groups[1].Find("ids")!.ToFloats());
        Assert.Equal([20, 21, 22], samples.Groups[0].Find("weight")!.ToFloats());
        Assert.Equal([23], samples.Groups[1].Find("weight")!.ToFloats());

        // Who asks for one array gets the short ones filled up.
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0], samples.Find("ids")!.ToFloats());
    }

    [Fact]
    public void Two_arrays_are_cut_where_either_changes()
    {
        Tokens("a", "0", 2, 1, 2, 3, 4);
        Tokens("a", "1", 2, 5, 6);
        Tokens("b", "0", 1, 9);
        Tokens("b", "1", 3, 1, 2, 3, 4, 5, 6);

        var samples = SampleSet.Open(_folder.Path);

        Assert.Equal([1, 1, 2], samples.Groups.Select(group => group.Count));
        Assert.Equal([3, 4], samples.Groups[1].Find("a")!.ToFloats());
        Assert.Equal([1, 2], samples.Groups[1].Find("b")!.ToFloats());
        Assert.Equal([3, 4, 5, 6], samples.Groups[2].Find("b")!.ToFloats());
    }

    [Fact]
    public void Files_of_one_shape_make_a_set_like_any_other()
    {
        Tokens("ids", "0", 1, 1, 2);
        Tokens("ids", "1", 2, 3, 4, 5, 6);

        var samples = SampleSet.Open(_folder.Path);

        Assert.False(samples.IsRagged);
        Assert.Same(samples, Assert.Single(samples.Groups));
        Assert.Equal([1, 2, 3, 4, 5, 6], samples.Find("ids")!.ToFloats());
    }

    [Fact]
    [Raises(ProblemCode.SamplesDiffer)]
    public void Parts_of_different_types_or_numbers_of_axes_are_refused()
    {
        Tokens("ids", "0", 1, 1, 2);
        Npy.Write(_folder["ids/1.npy"], "<f4", "(1, 2)", new byte[8]);

        Assert.Equal(ProblemCode.SamplesDiffer, Assert.Throws<LoraOpsException>(() => SampleSet.Open(_folder.Path)).Problems[0].Code);
    }

    [Fact]
    public void Arrays_that_disagree_on_the_number_of_samples_are_refused()
    {
        Tokens("a", "0", 1, 1, 2);
        Tokens("a", "1", 1, 1);
        Tokens("b", "0", 1, 1, 2);

        Assert.Equal(ProblemCode.SamplesDiffer, Assert.Throws<LoraOpsException>(() => SampleSet.Open(_folder.Path)).Problems[0].Code);
    }

    private void Tokens(string array, string file, int samples, params long[] values)
    {
        Directory.CreateDirectory(_folder[array]);
        Npy.Write(_folder[$"{array}/{file}.npy"], "<i8", $"({samples}, {values.Length / samples})", Bytes(values));
    }

    private static byte[] Bytes(params long[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
}
