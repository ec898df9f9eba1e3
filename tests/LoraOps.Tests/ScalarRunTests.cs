using LoraOps.Testing;

namespace LoraOps.Tests;

public sealed class ScalarRunTests
{
    [Fact]
    public void The_kernels_pass_their_tests_without_vector_instructions()
    {
        var (passed, output) = ScalarRun.Of(typeof(ScalarRunTests).Assembly);
        Assert.True(passed, output);
    }
}
