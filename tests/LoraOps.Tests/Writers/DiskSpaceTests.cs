using LoraOps.Problems;
using LoraOps.Testing;
using LoraOps.Writers;

namespace LoraOps.Tests.Writers;

public class DiskSpaceTests
{
    [Fact]
    [Raises(ProblemCode.DiskFull)]
    public void Says_that_the_disk_is_full_before_it_writes_what_cannot_fit()
    {
        using var folder = new TemporaryFolder();

        var refusal = Assert.Throws<LoraOpsException>(() => new OutputFile(folder["huge.bin"], long.MaxValue / 2));

        Assert.Equal(ProblemCode.DiskFull, Assert.Single(refusal.Problems).Code);
        Assert.Equal(ExitCode.Transient, refusal.ExitCode);
    }
}
