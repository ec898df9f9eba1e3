using LoraOps.Cli.Output;

namespace LoraOps.Cli.Tests.Output;

public sealed class StagesTests
{
    [Fact]
    public void A_log_is_told_how_long_it_will_take_but_not_too_often()
    {
        var (log, clock) = (new StringWriter { NewLine = "\n" }, new Clock());
        var stages = new Stages(null, log, clock);
        stages.Begin("calibrating", 100);
        for (var step = 1; step <= 100; step++)
        {
            clock.Pass(TimeSpan.FromSeconds(2));
            stages.Reach(step);
        }

        // 10 % is more than ten seconds of this work; of the last step nothing is left.
        Assert.Equal(
            """
            calibrating
              10 % done, about 3 min left
              20 % done, about 3 min left
              30 % done, about 3 min left
              40 % done, about 2 min left
              50 % done, about 100 s left
              60 % done, about 80 s left
              70 % done, about 60 s left
              80 % done, about 40 s left
              90 % done, about 20 s left

            """, log.ToString());
    }

    [Fact]
    public void Short_work_says_nothing_of_the_kind()
    {
        var (log, clock) = (new StringWriter { NewLine = "\n" }, new Clock());
        var stages = new Stages(null, log, clock);
        stages.Begin("merging", 1000);
        for (var step = 1; step <= 1000; step++)
        {
            clock.Pass(TimeSpan.FromMilliseconds(9));
            stages.Reach(step);
        }

        stages.Begin("nobody knows how long");
        clock.Pass(TimeSpan.FromHours(1));
        stages.Reach(5);
        Assert.Equal("merging\nnobody knows how long\n", log.ToString());
    }

    [Fact]
    public void Each_stage_has_its_own_clock()
    {
        var (log, clock) = (new StringWriter { NewLine = "\n" }, new Clock());
        var stages = new Stages(null, log, clock);
        stages.Begin("first", 10);
        clock.Pass(TimeSpan.FromSeconds(500));
        stages.Begin("second", 4);
        clock.Pass(TimeSpan.FromSeconds(12));
        stages.Reach(1);
        Assert.Equal("first\nsecond\n  25 % done, about 36 s left\n", log.ToString());
    }

    private sealed class Clock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Pass(TimeSpan time) => _now += time.Ticks;
    }
}
