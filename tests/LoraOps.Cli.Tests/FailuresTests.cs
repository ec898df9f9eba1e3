using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests;

public sealed class FailuresTests
{
    [Fact]
    [Raises(ProblemCode.InternalError)]
    public void Our_own_bug_is_one_line_that_asks_for_a_report()
    {
        var problem = Explain(new InvalidCastException("Boom."));

        Assert.Equal(ExitCode.Bug, problem.Code.ExitCode());
        Assert.Equal(
            "LORA9999: loraops inspect: internal error: InvalidCastException: Boom. Please report it, with the output of the same command and -v.",
            problem.ToString());
    }

    [Theory]
    [InlineData(28)]
    [InlineData(122)]
    [InlineData(unchecked((int)0x80070070))]
    public void A_full_disk_is_transient(int error) =>
        Assert.Equal(ExitCode.Transient, Explain(new IOException("No space left on device", error)).Code.ExitCode());

    [Fact]
    public void A_failure_inside_another_is_the_one_that_counts() =>
        Assert.Equal(ProblemCode.OutputUnwritable, Explain(new AggregateException(new UnauthorizedAccessException("No."))).Code);

    [Fact]
    public void A_cancellation_that_nobody_asked_for_is_a_bug() =>
        Assert.Equal(ProblemCode.InternalError, Explain(new OperationCanceledException()).Code);

    private static Problem Explain(Exception failure) => Assert.Single(
        Failures.Explain(failure, CommandLine.Root(new SharedOptions(), Terminal.None).Parse(["inspect", "x"]), CancellationToken.None));
}
