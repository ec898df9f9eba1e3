using LoraOps.Runtime.Adapters;

namespace LoraOps.Runtime.Tests.Adapters;

public sealed class UseCountTests
{
    [Fact]
    public void Ends_when_the_owner_and_the_last_user_have_left()
    {
        var ends = 0;
        var uses = new UseCount(() => ends++);

        Assert.True(uses.IsIdle);
        Assert.True(uses.TryEnter());
        Assert.False(uses.IsIdle);
        uses.Close();
        uses.Close();
        Assert.False(uses.TryEnter());
        Assert.Equal(0, ends);
        uses.Exit();
        Assert.Equal(1, ends);
    }

    [Fact]
    public void Ends_once_and_after_everybody_whatever_the_threads_do()
    {
        for (var round = 0; round < 20; round++)
        {
            var (ends, inside, late) = (0, 0, 0);
            var uses = new UseCount(() =>
            {
                Interlocked.Increment(ref ends);
                Interlocked.Add(ref late, Volatile.Read(ref inside));
            });
            var threads = Enumerable.Range(0, 4).Select(_ => new Thread(() =>
            {
                while (uses.TryEnter())
                {
                    Interlocked.Increment(ref inside);
                    Interlocked.Decrement(ref inside);
                    uses.Exit();
                }
            })).ToList();
            threads.ForEach(thread => thread.Start());
            uses.Close();
            threads.ForEach(thread => thread.Join());

            Assert.Equal((1, 0), (ends, late));
        }
    }
}
